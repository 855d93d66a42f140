import { openBundle } from "../bundle/index.ts";
import { type AliasChanged, CHAMPION } from "../registry/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { publishAndAwait } from "./take-up.ts";

type DeploymentHandlers = Pick<ControlHandlers, "deploy" | "rollback">;

export function deploymentHandlers(context: ControlContext): DeploymentHandlers {
  const { registry } = context;
  return {
    deploy: async ({ model, version, reason, force }, { actor }) => {
      // What no worker could load does not become champion.
      await openBundle(context.blobs, (await registry.version(model, version)).bundle);
      const moved = await registry.setAlias({
        model,
        alias: CHAMPION,
        version,
        actor,
        reason,
        force,
      });
      return finish(context, moved);
    },
    rollback: async ({ model, reason }, { actor }) => {
      const moved = await registry.rollbackAlias({ model, alias: CHAMPION, actor, reason, force: true });
      return finish(context, moved);
    },
  };
}

async function finish(context: ControlContext, moved: AliasChanged): Promise<OperationOutput<"deploy">> {
  const takenUp = await publishAndAwait(context);
  const { model, version, previous, generation, forced } = moved;
  return { model, version, previous, generation, forced, takenUp };
}
