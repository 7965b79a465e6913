/** The routes of the control API: thin, each a line or two over the library. */

import { type FastifyInstance, fastify } from 'fastify';
import type { Backend } from '../backend.ts';
import { parsePortName, parseTarget, portText, vlansMeet, vlanText } from '../config/index.ts';
import { DatapathError } from '../datapath/datapath.ts';
import { errorCodes, ValenicError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Port } from '../port.ts';
import { nameText } from '../ports/spec.ts';
import { codeOf, systemText } from '../system-error.ts';
import type {
  ErrorAnswer,
  ForgetAnswer,
  PortAnswer,
  PortDetail,
  StatsAnswer,
  SwitchAnswer,
  VersionAnswer,
} from './api.ts';
import { readAddPort, readMore, readMove, readMtu, readPolling, readSettings } from './bodies.ts';
import type { EventHub } from './events.ts';
import type { GuestMacs } from './guest-macs.ts';

export interface RouteContext {
  readonly backend: Backend;
  readonly hub: EventHub;
  readonly log: Logger;
  readonly version: () => VersionAnswer;
  readonly guestMacs: GuestMacs;
}

/** No request needs more. */
const maxBodyBytes = 64 << 10;

interface ByName {
  readonly Params: { readonly name: string };
}

/** The server, not listening yet. */
export function controlApi(context: RouteContext): FastifyInstance {
  const app = fastify({ bodyLimit: maxBodyBytes, logger: false });
  app.setErrorHandler((error, _request, reply) => {
    const { status, answer } = answerOf(error, context.log);
    return reply.code(status).send(answer);
  });
  app.setNotFoundHandler((request) => {
    throw new ValenicError('route_not_found', `there is no ${request.method} ${request.url}`);
  });
  app.get('/v1/version', () => context.version());
  app.get('/v1/events', (_request, reply) => {
    context.hub.subscribe(reply.raw);
    reply.hijack();
  });
  portRoutes(app, context);
  switchRoutes(app, context);
  return app;
}

function portRoutes(app: FastifyInstance, context: RouteContext): void {
  const { backend, hub, log } = context;
  const find = (name: string): Port => backend.port(parsePortName(name));
  app.get('/v1/ports', () => ({ ports: backend.ports().map(portAnswer) }));
  app.get<ByName>('/v1/ports/:name', ({ params }) => portDetail(find(params.name), context));
  app.post('/v1/ports', async (request, reply) => {
    const spec = readAddPort(request.body);
    const port = await backend.addPort(spec);
    log.info({ port: port.name }, `port added: ${portText(spec)}`);
    hub.publish({ event: 'port_added', port: portAnswer(port) });
    return reply.code(201).send(portAnswer(port));
  });
  app.patch<ByName>('/v1/ports/:name', async ({ params, body }) => {
    const port = find(params.name);
    await port.set(readSettings(body));
    return portAnswer(port);
  });
  app.put<ByName>('/v1/ports/:name/workers', async ({ params, body }) => {
    const port = find(params.name);
    await port.spread(readMove(body));
    return portAnswer(port);
  });
  app.delete<ByName>('/v1/ports/:name/macs', async ({ params }): Promise<ForgetAnswer> => {
    const port = find(params.name);
    return { forgotten: await port.forgetMacs() };
  });
  app.delete<ByName>('/v1/ports/:name', async ({ params }, reply) => {
    const name = parsePortName(params.name);
    await backend.removePort(name);
    log.info({ port: nameText(name) }, 'port removed');
    hub.forget(nameText(name));
    hub.publish({ event: 'port_removed', name: nameText(name) });
    return reply.code(204).send();
  });
}

function switchRoutes(app: FastifyInstance, { backend }: RouteContext): void {
  app.get('/v1/switches', () => ({ switches: backend.switches().map(switchAnswer) }));
  app.put<ByName>('/v1/polling/:name', async ({ params, body }) => {
    const { mode, spinUs } = readPolling(body);
    const ports = portsOf(backend, params.name);
    for (const port of ports) await port.polling(mode, spinUs);
    return { ports: ports.map(portAnswer) };
  });
  app.put<ByName>('/v1/more/:name', async ({ params, body }) => {
    const on = readMore(body);
    const ports = portsOf(backend, params.name);
    for (const port of ports) await port.more(on);
    return { ports: ports.map(portAnswer) };
  });
  app.put<ByName>('/v1/mtu/:name', async ({ params, body }) => {
    const mtu = readMtu(body);
    const target = parseTarget(params.name);
    const ports = portsOf(backend, params.name);
    if ('port' in target) for (const port of ports) await port.set({ mtu });
    else await backend.switch(target.switch).setMtu(mtu);
    return { ports: ports.map(portAnswer) };
  });
  app.get('/v1/stats', () => statsAnswer(backend, backend.ports()));
  app.get<ByName>('/v1/stats/:name', ({ params }) =>
    statsAnswer(backend, portsOf(backend, params.name)),
  );
}

/** @throws {ValenicError} `port_not_found`, `switch_not_found`. */
function portsOf(backend: Backend, text: string): readonly Port[] {
  const target = parseTarget(text);
  return 'port' in target ? [backend.port(target)] : backend.switch(target.switch).ports();
}

export function portAnswer(port: Port): PortAnswer {
  return { ...port.state(), text: portText({ ...port.spec, settings: port.settings }) };
}

async function portDetail(port: Port, context: RouteContext): Promise<PortDetail> {
  const { backend, guestMacs } = context;
  const [macs, guestMac] = await Promise.all([port.macs(), guestMacs.of(port.name)]);
  const hints = hintsOf(port, backend);
  return { ...portAnswer(port), stats: port.stats(), macs, guestMac, hints };
}

/** Different VLANs are not a fault of either port, but the ports cannot hear each other. */
function hintsOf(port: Port, backend: Backend): readonly string[] {
  const home = port.spec.name.switch;
  const { vlan } = port.settings;
  const others = backend.ports().filter((one) => one !== port && one.spec.name.switch === home);
  if (others.length === 0)
    return [`${port.name} is the only port on ${home}: its frames reach nobody`];
  if (others.some(({ settings }) => vlansMeet(vlan, settings.vlan))) return [];
  const theirs = others
    .slice(0, 3)
    .map(({ name, settings }) => `${name}: ${vlanText(settings.vlan)}`);
  return [
    `no other port of ${home} shares a VLAN with ${port.name} (${vlanText(vlan)}; ` +
      `${theirs.join('; ')}${others.length > 3 ? '; …' : ''}): change one with "valenic port set"`,
  ];
}

function switchAnswer(home: ReturnType<Backend['switch']>): SwitchAnswer {
  return { name: home.name, mtu: home.mtu, ports: home.ports().map(({ name }) => name) };
}

function statsAnswer(backend: Backend, ports: readonly Port[]): StatsAnswer {
  return {
    atMs: performance.now(),
    ports: Object.fromEntries(ports.map((port) => [port.name, port.stats()])),
    workers: backend.workerStats(),
  };
}

function answerOf(error: unknown, log: Logger): { status: number; answer: ErrorAnswer } {
  if (error instanceof ValenicError) {
    const { code, message } = error;
    if (error instanceof DatapathError) log.warn({ code: error.nativeCode }, message);
    return { status: errorCodes[code].http, answer: { code, message } };
  }
  const message = systemText(error);
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, answer: { code: 'usage', message } };
  }
  if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(codeOf(error) ?? '')) {
    const code = 'limit_reached';
    return { status: errorCodes[code].http, answer: { code, message } };
  }
  log.error({ cause: error }, `a request failed; this is a bug in Valenic: ${message}`);
  return { status: 500, answer: { code: 'internal', message } };
}
