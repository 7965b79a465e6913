/** Why frames are not delivered: a table of the boundary. */

/**
 * Why a frame was not delivered, and which port counts it. `idle`: nobody was there to miss it, so
 * that it is counted and is no loss, as of a flood to a port that nobody uses. `refused`: port
 * security or storm control dropped it, of which the log tells once a minute.
 */
export const dropReasons = {
  tx_too_short: { at: 'source', text: 'shorter than an Ethernet header (14 bytes)' },
  tx_too_long: { at: 'source', text: 'longer than the largest frame of the port' },
  tx_too_many_segments: { at: 'source', text: 'spread over more buffers than one frame may use' },
  tx_offload_not_negotiated: {
    at: 'source',
    text: 'its virtio-net header asks for an offload that was not negotiated',
  },
  tx_csum_misplaced: {
    at: 'source',
    text: 'its virtio-net header puts the checksum beyond the frame or where there is none',
  },
  tx_gso_headers_invalid: {
    at: 'source',
    text: 'its headers do not match its virtio-net header',
  },
  tx_gso_size_invalid: {
    at: 'source',
    text: 'its segment size is zero, too small, or gives more than 256 segments',
  },
  tx_vlan_refused: { at: 'source', text: 'the sending port is not in its VLAN' },
  tx_link_local: { at: 'source', text: 'link-local (LACP, LLDP, STP), and the port drops these' },
  tx_action_drop: { at: 'source', text: 'an action list of the lookup drops it' },
  tx_rewrite_refused: {
    at: 'source',
    text: 'an action list was to rewrite it: no room, or the header is beyond its first 116 bytes',
  },
  tx_recirculation_limit: {
    at: 'source',
    text: 'action lists looked it up again more than 6 times',
  },
  tx_metered: { at: 'source', text: 'above the rate of a meter' },
  tx_hold_full: { at: 'source', text: 'it was to be held, and no more frames can be' },
  tx_mac_refused: {
    at: 'source',
    text: 'its source address is not allowed on the port',
    refused: true,
  },
  tx_mac_claimed: {
    at: 'source',
    text: 'its source address belongs to another port',
    refused: true,
  },
  tx_ip_refused: { at: 'source', text: 'its IP address is not allowed on the port', refused: true },
  tx_arp_refused: {
    at: 'source',
    text: 'ARP with an address that is not allowed on the port',
    refused: true,
  },
  tx_nd_refused: {
    at: 'source',
    text: 'Neighbor Discovery with an address that is not allowed on the port, or hidden',
    refused: true,
  },
  tx_ra_guard: {
    at: 'source',
    text: 'a router advertisement or redirect, and ra-guard is on',
    refused: true,
  },
  tx_isolated: { at: 'source', text: 'both ports are isolated' },
  tx_storm_broadcast: {
    at: 'source',
    text: 'more broadcasts than the port may send',
    refused: true,
  },
  tx_storm_multicast: {
    at: 'source',
    text: 'more multicasts than the port may send',
    refused: true,
  },
  tx_storm_unknown_unicast: {
    at: 'source',
    text: 'more frames for unknown addresses than the port may send',
    refused: true,
  },
  tx_no_destination: {
    at: 'source',
    text: 'no other port is on the switch or in its VLAN',
    idle: true,
  },
  tx_reflected: {
    at: 'source',
    text: 'its destination is behind the port it came from',
    idle: true,
  },
  tx_port_down: { at: 'source', text: 'the sending port is administratively down' },
  tx_ring_overflow: { at: 'source', text: 'it arrived at an interface whose ring was full' },
  tx_memory_unreadable: {
    at: 'source',
    text: 'its memory could not be read: the file was truncated',
  },
  rx_no_buffer: { at: 'destination', text: 'the receiver has no free buffer in its ring' },
  rx_overdrawn: {
    at: 'destination',
    text: "the receiver's buffers cost more work than its share of the worker allows",
  },
  rx_too_long: { at: 'destination', text: "longer than the receiver's buffers can hold" },
  rx_above_mtu: { at: 'destination', text: 'longer than the MTU of the receiving port' },
  rx_ring_stopped: {
    at: 'destination',
    text: 'the receiver has not started its ring',
    idle: true,
  },
  rx_vlan_refused: {
    at: 'destination',
    text: 'the receiver is not in its VLAN, or would see a second tag',
  },
  rx_vlan_no_room: { at: 'destination', text: 'it has no room for the VLAN tag it needs' },
  rx_link_local: {
    at: 'destination',
    text: 'link-local (LACP, LLDP, STP), and the port drops these',
  },
  rx_port_down: {
    at: 'destination',
    text: 'the receiving port is administratively down',
    idle: true,
  },
  rx_ring_broken: {
    at: 'destination',
    text: 'the receiver broke a rule of its ring and was stopped',
  },
  rx_not_connected: {
    at: 'destination',
    text: 'nobody is at the other end of the port',
    idle: true,
  },
  rx_backlog_full: {
    at: 'destination',
    text: 'the receiver reads too slowly and its backlog is full',
  },
  rx_link_down: { at: 'destination', text: 'the interface of the port is down' },
  rx_refused_by_host: { at: 'destination', text: 'the kernel had no memory, or a rule forbade it' },
} as const satisfies Record<
  string,
  { at: 'source' | 'destination'; text: string; idle?: true; refused?: true }
>;
export type DropReason = keyof typeof dropReasons;
