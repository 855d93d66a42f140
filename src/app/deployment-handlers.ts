import { openBundle } from "../bundle/index.ts";
import { sleep } from "../kernel/index.ts";
import { type AliasChanged, CHAMPION } from "../registry/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { readWorkerStatuses } from "./worker-status.ts";

type DeploymentHandlers = Pick<ControlHandlers, "deploy" | "rollback">;

/** How long a deployment waits for the workers of this machine to serve it before it answers all the same. */
const TAKE_UP_MS = 5_000;
const POLL_MS = 20;

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
  await context.publishRouting();
  await takenUp(context, moved.generation);
  const { model, version, previous, generation, forced } = moved;
  return { model, version, previous, generation, forced };
}

/** Workers that cannot load the new version say so in `slipway status`; they go on serving the old one. */
async function takenUp(context: ControlContext, generation: number): Promise<void> {
  const deadline = context.clock() + TAKE_UP_MS;
  while (context.clock() < deadline) {
    const workers = readWorkerStatuses(context.state.workers, context.clock);
    if (workers.every((worker) => worker.state === "draining" || worker.generation >= generation)) return;
    await sleep(POLL_MS);
  }
}
