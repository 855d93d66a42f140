import type { FeedbackIntake } from "../feedback/index.ts";
import type { DataPlane } from "../serving/index.ts";
import { type MetricName, type MetricSample, mergeSnapshots, writeExposition } from "../telemetry/index.ts";
import type { ServerLoad } from "./prediction-server.ts";

/** What one prediction server and its data plane have counted, and how they are. */
export function serverSamples(given: {
  readonly dataPlane: DataPlane;
  readonly feedback: FeedbackIntake | undefined;
  readonly load: ServerLoad;
}): MetricSample[] {
  const { dataPlane, feedback, load } = given;
  const log = dataPlane.logCounts();
  const stream = dataPlane.streamProgress();
  const one = (name: MetricName, value: number, ...labels: string[]): MetricSample => ({
    name,
    labels,
    value,
  });
  const samples = [
    ...dataPlane.counts.samples(),
    one("slipway_requests_total", load.requests),
    one("slipway_requests_in_flight", load.inFlight),
    one("slipway_connections", load.connections),
    one("slipway_stopped_connections", load.stopped),
    one("slipway_queue_requests", dataPlane.queue.length),
    one("slipway_queue_wait_seconds", dataPlane.queue.waitMs / 1000),
    one("slipway_log_predictions_total", log.predictions),
    one("slipway_log_sampled_out_total", log.sampledOut),
    one("slipway_log_unlogged_total", log.unlogged),
    one("slipway_log_groups_total", log.groups),
    one("slipway_log_failed_groups_total", log.failedGroups),
    one("slipway_log_bytes_total", log.bytes),
    one("slipway_ready", dataPlane.ready() ? 1 : 0),
    one("slipway_routing_generation", dataPlane.generation()),
  ];
  for (const { name, ready, versions } of dataPlane.models()) {
    samples.push(one("slipway_model_ready", ready ? 1 : 0, name));
    for (const { version, bundle, state } of versions)
      samples.push(
        one("slipway_version_available", state === "available" ? 1 : 0, name, String(version), bundle),
      );
  }
  for (const { model, version, runs, calls, rows } of dataPlane.modelRuns())
    samples.push(
      one("slipway_model_runs_total", runs, model, String(version)),
      one("slipway_model_run_requests_total", calls, model, String(version)),
      one("slipway_model_run_rows_total", rows, model, String(version)),
    );
  if (feedback !== undefined) {
    const { unmatched, ...outcomes } = feedback.counts;
    for (const [outcome, count] of Object.entries(outcomes))
      samples.push(one("slipway_feedback_total", count, outcome));
    samples.push(one("slipway_feedback_unmatched_total", unmatched));
  }
  if (stream !== undefined) {
    samples.push(
      one("slipway_stream_sequence", stream.sequence),
      one("slipway_stream_age_seconds", stream.ageMs / 1000),
      one("slipway_window_keys", stream.keys),
      one("slipway_window_events_skipped", stream.skipped),
    );
  }
  return samples;
}

/** The numbers of a server that stands alone. */
export function ownExposition({ incarnation }: DataPlane, samples: readonly MetricSample[]): string {
  return writeExposition(mergeSnapshots([{ incarnation, pid: process.pid, writtenAt: 0, samples }]));
}
