/** What a browser sees on the console port. */
export function consolePage(): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Slipway console</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
  pre { padding: .75rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; overflow-x: auto; }
</style>
<h1>Slipway</h1>
<p>This is the console port of a running Slipway server: training, the registry and deployments are managed here.
Predictions are answered on another port, which <code>slipway status</code> names.</p>
<p>The command line finds this server by itself from the project's folder:</p>
<pre>slipway status
slipway models
slipway train</pre>
<p>From elsewhere, give it this address and the token, which the server keeps in
<code>control.json</code> in its state directory:</p>
<pre>slipway status --server &lt;this address&gt; --token &lt;token&gt;</pre>
<p>Programs call operations as <code>POST /api/v1/&lt;operation&gt;</code> with the header
<code>Authorization: Bearer &lt;token&gt;</code> and a JSON body.</p>
</html>
`;
}
