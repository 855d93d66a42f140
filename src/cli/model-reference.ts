import { cliErrors } from "./errors.ts";
import type { Session } from "./session.ts";

/** A model, and perhaps one of its versions by number or alias: `churn`, `churn@3`, `churn@champion`. */
export interface ModelReference {
  readonly model: string;
  readonly version?: number | string;
}

/** @throws CLI_USAGE */
export function parseModelReference(text: string): ModelReference {
  const at = text.lastIndexOf("@");
  const model = at < 0 ? text : text.slice(0, at);
  const version = at < 0 ? undefined : text.slice(at + 1).replace(/^v(?=\d)/, "");
  if (model === "" || version === "") {
    throw cliErrors.CLI_USAGE.error(`"${text}" does not name a model`, {
      hint: "write model, model@3 or model@champion",
    });
  }
  if (version === undefined) return { model };
  return { model, version: /^\d+$/.test(version) ? Number(version) : version };
}

/** @throws CLI_USAGE for a reference without a number */
export function parseVersionedModel(text: string): { model: string; version: number } {
  const { model, version } = parseModelReference(text);
  if (typeof version === "number") return { model, version };
  throw cliErrors.CLI_USAGE.error(`"${text}" does not name a version`, {
    hint: `write ${model}@3; \`slipway models ${model}\` lists the versions`,
  });
}

/**
 * The model to work on where none was named: the only one of the project.
 *
 * @throws CLI_USAGE where there are several
 */
export async function modelOrOnly(given: string | undefined, session: Session): Promise<string> {
  if (given !== undefined) return given;
  const { models } = await session.call("models.list", {});
  const declared = models.filter((model) => model.declared);
  if (declared.length === 1) return declared[0]!.name;
  throw cliErrors.CLI_USAGE.error(
    declared.length === 0 ? "the project declares no model" : "the project declares several models: name one",
    {
      hint:
        declared.length === 0
          ? "declare one in slipway.config.ts"
          : `models: ${declared.map(({ name }) => name).join(", ")}`,
    },
  );
}
