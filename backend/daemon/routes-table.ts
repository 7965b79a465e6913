/** The routes of the control API, for its reference; routes.ts serves them. */

export interface RouteText {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  /** JSON; absent: none. */
  readonly body?: string;
  readonly answer: string;
}

export const apiRoutes: readonly RouteText[] = [
  { method: 'GET', path: '/v1/version', answer: 'version, API version, pid, workers, uptimeMs' },
  { method: 'GET', path: '/v1/events', answer: 'server-sent events, a JSON object each' },
  { method: 'GET', path: '/v1/ports', answer: '`{ ports }`, each with its state and text' },
  {
    method: 'POST',
    path: '/v1/ports',
    body: '`{ port: "vale0:a,host" }`, or `{ name, device, settings }` as in the library',
    answer: '201, the port',
  },
  {
    method: 'GET',
    path: '/v1/ports/:name',
    answer: 'the port, its counters, drops, MAC addresses and hints',
  },
  {
    method: 'PATCH',
    path: '/v1/ports/:name',
    body: 'the settings to change, e.g. `{ polling: "busy" }`',
    answer: 'the port',
  },
  {
    method: 'PUT',
    path: '/v1/ports/:name/workers',
    body: '`{ workers: [0, 1] }`: pair i moves to workers[i % length]',
    answer: 'the port',
  },
  {
    method: 'DELETE',
    path: '/v1/ports/:name/macs',
    answer: '`{ forgotten }`: how many learned MAC addresses there were',
  },
  { method: 'DELETE', path: '/v1/ports/:name', answer: '204' },
  { method: 'GET', path: '/v1/switches', answer: '`{ switches }`: name, mtu, ports' },
  {
    method: 'PUT',
    path: '/v1/polling/:name',
    body: '`{ mode, spinUs }`; spinUs is a number or "auto", and may be left out',
    answer: '`{ ports }`',
  },
  { method: 'PUT', path: '/v1/more/:name', body: '`{ on: true }`', answer: '`{ ports }`' },
  {
    method: 'PUT',
    path: '/v1/mtu/:name',
    body: '`{ mtu: 9000 }`; 0: frames of any length pass',
    answer: '`{ ports }`',
  },
  { method: 'GET', path: '/v1/stats', answer: '`{ atMs, ports, workers }`: counters and drops' },
  { method: 'GET', path: '/v1/stats/:name', answer: 'the same, of a port or a switch' },
];
