import { createDirectClient } from "./index.ts";
import { describeControlClient } from "./testing/control-client-contract.ts";

describeControlClient("in process", async (given) => ({
  client: createDirectClient(given),
  close: async () => undefined,
}));
