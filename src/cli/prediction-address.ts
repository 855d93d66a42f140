import { cliErrors } from "./errors.ts";
import type { Session } from "./session.ts";

/**
 * Where predictions are answered: the address given, or the one that the running server names; without a slash at its end.
 *
 * @throws CLI_NOT_SERVING
 */
export async function predictionAddress(given: string | undefined, session: Session): Promise<string> {
  const address = given ?? (await session.call("status", {})).predictions;
  if (address !== null) return address.replace(/\/+$/, "");
  throw cliErrors.CLI_NOT_SERVING.error("nothing serves predictions for this project", {
    hint: "start the server with `slipway up`, or name its address with --url",
  });
}
