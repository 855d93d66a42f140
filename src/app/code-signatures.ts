import { join } from "node:path";
import { type CodeTrust, isSignedBy, untrustedCode } from "../bundle/index.ts";
import type { Digest } from "../kernel/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import { openInstallation } from "./installation.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Where signatures of custom code are, and the key that they are made with. */
export type SignaturePlace = Pick<StateDirectory, "signatures" | "installationKey">;

/** What is signed: a digest, and what it is of, so that no other signature of the installation can stand for it. */
const statement = (code: Digest): Buffer => Buffer.from(`slipway.code/1 ${code}\n`);

const pathOf = ({ signatures }: SignaturePlace, code: Digest): string => join(signatures, `${code}.json`);

/** Signs custom code, so that it runs here from now on. */
export function signCode(place: SignaturePlace, code: Digest): void {
  const signature = openInstallation(place).sign(statement(code));
  writeFileAtomically(pathOf(place, code), JSON.stringify(signature));
}

export function isCodeSigned(place: SignaturePlace, code: Digest): boolean {
  const text = readFileIfPresent(pathOf(place, code));
  if (text === undefined) return false;
  const { publicKey } = openInstallation(place);
  const { signature } = JSON.parse(text) as { readonly signature: string };
  return isSignedBy({ publicKey, signature }, statement(code));
}

/** Only code that this installation has signed may run. */
export function codeTrust(place: SignaturePlace): CodeTrust {
  return async (code) => {
    if (!isCodeSigned(place, code)) throw untrustedCode(code);
  };
}
