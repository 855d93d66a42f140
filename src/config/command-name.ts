/** How to type `slipway` the way it was typed now: npx sets `npm_command`, and then the bare name is likely not on the PATH. */
export function commandName(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment.npm_command === "exec" ? "npx slipway" : "slipway";
}
