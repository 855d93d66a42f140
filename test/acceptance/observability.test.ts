import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readWorkerStatuses } from "../../src/app/worker-status.ts";
import type { ActivityRates } from "../../src/cli/top/activity-rates.ts";
import { parseExposition } from "../../src/telemetry/testing/parse-exposition.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { hasPython, pythonWith } from "./client-packages.ts";
import { predict, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { goodRecord, type SmallProject, smallProject } from "./small-project.ts";

const MODEL = "clicked";
const PACKAGES = ["prometheus_client==0.26.0", "opentelemetry-proto==1.45.2"];
const BODY = { instances: [goodRecord] };
const run = promisify(execFile);

let project: SmallProject;

beforeAll(async () => {
  project = smallProject("observability");
  const trained = await slipway(["train"], { cwd: project.path });
  if (trained.code !== 0) throw new Error(trained.stderr);
  await slipway(["deploy", `${MODEL}@1`], { cwd: project.path });
});
afterAll(() => project.remove());

/** A collector of OpenTelemetry that keeps what it is sent. */
async function collector() {
  const received: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      received.push(Buffer.concat(parts).toString());
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { received, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const scrape = async (server: string): Promise<string> => (await fetch(`${server}/metrics`)).text();

function answeredBy(text: string): number {
  const labels = { model: MODEL, version: "1", arm: "champion", protocol: "http_v1" };
  return parseExposition(text).value("slipway_predict_duration_seconds_count", labels) ?? 0;
}

describe("a watched server", () => {
  it("counts for all its workers, and never less than before when one of them is killed", async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd, args: ["--workers", "2", "--max-workers", "2"] });
    try {
      const workers = () => readWorkerStatuses(join(cwd, ".slipway", "workers"), Date.now);
      let asked = 0;
      let counted = 0;
      const ask = async (times: number) => {
        for (let at = 0; at < times; at++) {
          const answer = await fetch(`${server.predictions}/v1/models/${MODEL}:predict`, {
            method: "POST",
            body: JSON.stringify(BODY),
            // Any worker may get the next one.
            headers: { connection: "close" },
          });
          expect(answer.status).toBe(200);
          asked++;
          if (at % 7 === 0) {
            const now = answeredBy(await scrape(server.predictions));
            expect(now).toBeGreaterThanOrEqual(counted);
            counted = now;
          }
        }
      };
      await ask(60);
      await expect
        .poll(async () => answeredBy(await scrape(server.predictions)), { timeout: 20_000 })
        .toBe(60);
      const [victim] = workers();
      process.kill(victim!.pid, "SIGKILL");
      await expect
        .poll(() => workers().filter(({ pid, isReady }) => isReady && pid !== victim!.pid).length, {
          timeout: 60_000,
        })
        .toBe(2);
      expect(answeredBy(await scrape(server.predictions))).toBe(60);
      await ask(40);
      await expect
        .poll(async () => answeredBy(await scrape(server.predictions)), { timeout: 20_000 })
        .toBe(asked);
      const text = await scrape(server.predictions);
      expect(text).toContain("\nslipway_workers 2\n");
      const residents = text.match(/^process_resident_memory_bytes\{worker="\d+"\} [1-9]/gm);
      expect(residents).toHaveLength(2);
      const top = await slipwayJson<ActivityRates>(["top"], { cwd });
      expect(top.workers.map(({ isReady, state }) => ({ isReady, state }))).toEqual(
        Array.from({ length: 2 }, () => ({ isReady: true, state: "ready" })),
      );
      expect(top.arms).toMatchObject([{ model: MODEL, version: 1, arm: "champion" }]);
      const shown = await slipway(["top", "--once"], { cwd });
      expect(shown.stdout).toMatch(/2 of 2 workers ready/);
      const status = await slipwayJson<OperationOutput<"status">>(["status"], { cwd });
      expect(status.models).toMatchObject([{ model: MODEL, state: "ready", requests: asked }]);
      expect(status.processes.at(-1)?.load?.residentBytes).toBeGreaterThan(1_000_000);
    } finally {
      await server.stop();
    }
  });

  it("writes its access log and its traces as others read them", async () => {
    const cwd = project.path;
    const { received, endpoint } = await collector();
    const server = await slipwayUp({
      cwd,
      args: ["--access-log", "access.log"],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test%20bed",
      },
    });
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let id = "";
    let metrics = "";
    try {
      const answer = await fetch(`${server.predictions}/v1/models/${MODEL}:predict`, {
        method: "POST",
        body: JSON.stringify(BODY),
        headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
      });
      id = answer.headers.get("x-slipway-prediction-id") ?? "";
      expect(answer.headers.get("traceresponse")).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
      expect((await predict(server.predictions, MODEL, { instances: [{}] })).status).toBe(400);
      metrics = await scrape(server.predictions);
    } finally {
      await server.stop();
    }
    const entries = readFileSync(join(cwd, "access.log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(
      entries.map(({ path, status, model, predictionId, traceId }) => ({
        path,
        status,
        model,
        predictionId,
        traceId,
      })),
    ).toEqual([
      { path: `/v1/models/${MODEL}:predict`, status: 200, model: MODEL, predictionId: id, traceId: trace },
      expect.objectContaining({ status: 400 }),
      expect.objectContaining({ path: "/metrics", status: 200 }),
    ]);
    expect(received.length).toBeGreaterThan(0);
    if (!hasPython()) return;
    const python = await pythonWith(PACKAGES);
    const given = JSON.stringify({ metrics, received });
    const { stdout } = await run(python, ["-c", READER, given], { maxBuffer: 64 * 1024 * 1024 });
    expect(JSON.parse(stdout)).toMatchObject({
      families: {
        slipway_predictions: "counter",
        slipway_predict_duration_seconds: "histogram",
        slipway_build_info: "gauge",
      },
      errors: [{ protocol: "http_v1", model: MODEL, code: "SERVING_BAD_INSTANCE", status: "400" }],
      resource: { "service.name": "slipway", "deployment.environment.name": "test bed" },
      traced: [`POST /v1/models/{model}:predict`, "read", "queue", "parse", "predict", "log", "answer"],
      parents: ["00f067aa0ba902b7"],
    });
  });
});

/** Reads the metrics as Prometheus' client does, and the traces with the schema of OTLP. */
const READER = `
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
given = json.loads(sys.argv[1])
families = list(text_string_to_metric_families(given["metrics"]))
errors = [s.labels for f in families if f.name == "slipway_request_errors" for s in f.samples]
spans, resource = [], {}
def bytes_of(value):
    # OTLP writes ids in hexadecimal, where the mapping of protobuf has base64.
    if isinstance(value, dict):
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ("traceId", "spanId", "parentSpanId") else bytes_of(v) for k, v in value.items()}
    return [bytes_of(v) for v in value] if isinstance(value, list) else value
for text in given["received"]:
    request = json_format.ParseDict(bytes_of(json.loads(text)), ExportTraceServiceRequest())
    for part in request.resource_spans:
        resource.update({a.key: a.value.string_value for a in part.resource.attributes})
        spans += [span for scope in part.scope_spans for span in scope.spans]
traced = [s for s in spans if s.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"]
print(json.dumps({
    "families": {f.name: f.type for f in families},
    "errors": errors,
    "resource": resource,
    "traced": [s.name for s in traced],
    "parents": [s.parent_span_id.hex() for s in traced if s.kind == 2],
}))
`;
