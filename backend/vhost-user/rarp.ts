/** The frame that tells switches where a guest is now: SEND_RARP. */

/** Without FCS; shorter ones are padded. IEEE 802.3: 64 bytes with it. */
const minFrameBytes = 60;
const etherTypeRarp = 0x8035;
const hardwareEthernet = 1;
const protocolIpv4 = 0x0800;
const requestReverse = 3;

/** A broadcast "request reverse" from `mac` about itself: RFC 903. Six bytes of MAC. */
export function rarpFrame(mac: Uint8Array): Buffer {
  const frame = Buffer.alloc(minFrameBytes);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  frame.writeUInt16BE(etherTypeRarp, 12);
  frame.writeUInt16BE(hardwareEthernet, 14);
  frame.writeUInt16BE(protocolIpv4, 16);
  frame.writeUInt8(6, 18); // Bytes of a hardware address,
  frame.writeUInt8(4, 19); // of a protocol address.
  frame.writeUInt16BE(requestReverse, 20);
  frame.set(mac, 22); // Sender; its IPv4 address stays zero.
  frame.set(mac, 32); // Target; likewise.
  return frame;
}

/** A MAC that one interface can have: neither zero nor a group's. */
export function isStationMac(mac: Uint8Array): boolean {
  return ((mac[0] ?? 1) & 1) === 0 && mac.some((byte) => byte !== 0);
}
