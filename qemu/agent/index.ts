/** The guest agent, seen from the host. */

export {
  AgentClient,
  type AgentConnectOptions,
  type AgentListener,
  type AgentPmd,
  type AgentProgram,
  type AgentReceiver,
} from './client.ts';
export * from './protocol.ts';
