/** Node's own `import()`. Loaded with `require`, so that no test runner or bundler puts its own in place of it. */
export function importNatively(url: string): Promise<Readonly<Record<string, unknown>>> {
  return import(url);
}
