export {
  BUNDLE_FORMAT,
  type BundleFile,
  type BundleFileEntry,
  type BundleManifest,
  type BundleParts,
  bundleBlobs,
  bundleDigest,
  manifestOf,
  type OpenBundle,
  openBundle,
  readManifest,
  readPlan,
  writeBundle,
} from "./bundle.ts";
export { type CodeTrust, noCode, trustedCode, untrustedCode } from "./code-trust.ts";
export { bundleErrors } from "./errors.ts";
export { type InstallationSignature, installationId, isSignedBy } from "./installation-signature.ts";
export type { ItemValue, KnownItems } from "./items.ts";
export {
  outputWidth,
  parseSignature,
  type Signature,
  type SignatureInput,
  type SignatureOutput,
  type SignatureTensor,
  type Task,
} from "./signature.ts";
