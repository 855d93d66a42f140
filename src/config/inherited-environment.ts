/**
 * The variables that a program started for a project inherits: all but Slipway's own, which hold addresses and secrets, and
 * the place of its compiled code.
 */
export function inheritedEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined || name.startsWith("SLIPWAY_") || name === "NODE_COMPILE_CACHE"
        ? []
        : [[name, value]],
    ),
  );
}
