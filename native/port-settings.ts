/** Settings of a port: a part of boundary.ts, through which others see it. */

export const pollingModes = ['busy', 'adaptive', 'event'] as const;
export type PollingMode = (typeof pollingModes)[number];

/** How a port takes part in the VLANs of its switch: PortVlan. */
export const vlanModes = ['none', 'access', 'trunk', 'tunnel'] as const;
export type VlanMode = (typeof vlanModes)[number];

/** VLANs from the first to the last, both 1..4094. */
export type VlanRange = readonly [first: number, last: number];

/**
 * The VLANs of a port (docs/decisions/0013-vlans.md).
 *
 * `none`: it takes part in none, reaches the ports that are like it, and frames stay as they are.
 * `access`: untagged frames, of one VLAN. `trunk`: tagged frames of these VLANs, and untagged ones
 * of `native`. `tunnel`: frames with or without tags, in one VLAN, behind a tag of a provider's.
 */
export type PortVlan =
  | { readonly mode: 'none' }
  | { readonly mode: 'access' | 'tunnel'; readonly vlan: number }
  | { readonly mode: 'trunk'; readonly vlans: readonly VlanRange[]; readonly native?: number };

/**
 * Settings of a port that can change under traffic. All optional in a command: absent = unchanged.
 */
export interface PortSettings {
  readonly polling: PollingMode;
  /**
   * Adaptive mode: microseconds to spin without work before sleeping, 0..1_000_000. `auto`: the
   * worker learns it from the gaps in each queue's traffic (native/src/io/spin_tuner.hpp).
   */
  readonly spinUs: number | 'auto';
  /** `false`: every frame is its own transaction, published and notified alone. */
  readonly more: boolean;
  /** Notification moderation: a call is sent after this many frames, 1 = at once (1..1024)... */
  readonly moderationFrames: number;
  /** ...or this many microseconds after the first of them, 0 = at once (0..1_000_000). */
  readonly moderationUs: number;
  /** Most frames taken from one queue per round: the size of a batch, 1..256. */
  readonly budget: number;
  /** Most MAC addresses learned on this port, 0..65536. */
  readonly macLimit: number;
  /** Largest Ethernet frame the port may send, without FCS, 60..65550 bytes. */
  readonly maxFrameBytes: number;
  /** Longest IP packet the port gets, 68..65535; big frames are measured cut. 0: any length. */
  readonly mtu: number;
  /** Administrative state. A down port neither sends nor receives; its MACs are forgotten. */
  readonly up: boolean;
  readonly vlan: PortVlan;
  /**
   * Whether frames for 01:80:c2:00:00:00 to :0f (LACP, LLDP, STP ...) pass, from this port and to
   * it. A bridge keeps them; a wire does not.
   */
  readonly linkLocal: boolean;
}
