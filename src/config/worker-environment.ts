/**
 * Environment of a worker. glibc learns from large blocks that were freed to keep the next ones: memory of models that were unloaded would
 * stay with the process, in pieces. With a fixed threshold they go back to the system at once. Elsewhere it means nothing.
 */
export function workerEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { MALLOC_MMAP_THRESHOLD_: String(1024 * 1024), ...environment };
}
