import type { Digest } from "../kernel/index.ts";
import type { OpenBundle } from "./bundle.ts";
import { bundleErrors } from "./errors.ts";

/**
 * Whether custom code may run here: what this installation has signed may.
 *
 * @throws BUNDLE_CODE_UNTRUSTED
 */
export type CodeTrust = (code: Digest) => Promise<void>;

/** Where nobody said what may run, nothing may. */
export const noCode: CodeTrust = async (code) => {
  throw untrustedCode(code);
};

/** The custom code of a bundle, if it has any and it may run. @throws BUNDLE_CODE_UNTRUSTED */
export async function trustedCode(
  { manifest, code }: OpenBundle,
  trust: CodeTrust = noCode,
): Promise<string | undefined> {
  const { code: entry } = manifest.files;
  if (code === undefined || entry === undefined) return undefined;
  await trust(entry.digest);
  return code.toString("utf8");
}

export function untrustedCode(code: Digest): Error {
  return bundleErrors.BUNDLE_CODE_UNTRUSTED.error(
    `custom code ${code} is not signed by this installation and is not run`,
    {
      details: { code },
      hint: "Code comes from a training here, or from another installation by `slipway model import --allow-code`, after somebody has read it.",
    },
  );
}
