/** A guest by hand: DHCP, ARP and the first packets of TCP, as bytes. */

const bytesOf = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

export function textOf(address: Buffer): string {
  return [...address].join('.');
}

export interface Station {
  /** Twelve hexadecimal digits. */
  readonly mac: string;
  readonly address: string;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv4(from: string, to: string, protocol: number, segment: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + segment.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  bytesOf(from).copy(header, 12);
  bytesOf(to).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, segment]);
}

function ethernet(to: string, from: string, type: number, rest: Buffer): Buffer {
  const frame = Buffer.concat([Buffer.from(`${to}${from}0000`, 'hex'), rest]);
  frame.writeUInt16BE(type, 12);
  return frame;
}

const anybody = '255.255.255.255';

/** RFC 2131: DHCPDISCOVER, answered by broadcast. */
export function discover(mac: string): Buffer {
  const bootp = Buffer.alloc(240);
  bootp.set([1, 1, 6, 0, 0, 0, 0x12, 0x34, 0, 0, 0x80]);
  Buffer.from(mac, 'hex').copy(bootp, 28);
  bootp.writeUInt32BE(0x63825363, 236);
  const message = Buffer.concat([bootp, Buffer.from([53, 1, 1, 255])]);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(68, 0);
  udp.writeUInt16BE(67, 2);
  udp.writeUInt16BE(8 + message.length, 4);
  const packet = ipv4('0.0.0.0', anybody, 17, Buffer.concat([udp, message]));
  return ethernet('ffffffffffff', mac, 0x0800, packet);
}

/** The address that a DHCP server offers to this station. */
export function offered(frame: Buffer, mac: string): string | null {
  const udp = frame.subarray(34);
  const to = frame.subarray(34 + 8 + 28, 34 + 8 + 34).toString('hex');
  const isOffer =
    frame.readUInt16BE(12) === 0x0800 && frame[23] === 17 && udp.readUInt16BE(2) === 68;
  return isOffer && to === mac ? textOf(frame.subarray(34 + 8 + 16, 34 + 8 + 20)) : null;
}

/** Shows everybody where the station is: an ARP request for `target`. */
export function arp({ mac, address }: Station, target: string): Buffer {
  const rest = Buffer.concat([
    Buffer.from(`0001080006040001${mac}`, 'hex'),
    ...[bytesOf(address), Buffer.alloc(6), bytesOf(target)],
  ]);
  return ethernet('ffffffffffff', mac, 0x0806, rest);
}

/** Asks for a TCP connection. */
export function syn(from: Station, to: Station, port: number): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(40_001, 0);
  tcp.writeUInt16BE(port, 2);
  tcp.writeUInt32BE(1000, 4);
  tcp.writeUInt16BE(0x5002, 12);
  tcp.writeUInt16BE(0xffff, 14);
  const pseudo = Buffer.concat([
    bytesOf(from.address),
    bytesOf(to.address),
    Buffer.from([0, 6, 0, 20]),
  ]);
  tcp.writeUInt16BE(checksum(Buffer.concat([pseudo, tcp])), 16);
  return ethernet(to.mac, from.mac, 0x0800, ipv4(from.address, to.address, 6, tcp));
}

export interface Answer {
  readonly kind: 'tcp' | 'icmp';
  /** TCP: its flags. ICMP: its type. */
  readonly what: number;
  readonly from: string;
  readonly toPort: number;
}

/** A TCP or ICMP packet; null: something else. */
export function answerOf(frame: Buffer): Answer | null {
  if (frame.length < 48 || frame.readUInt16BE(12) !== 0x0800) return null;
  const from = textOf(frame.subarray(26, 30));
  if (frame[23] === 1) return { kind: 'icmp', what: frame[34] ?? 0, from, toPort: 0 };
  if (frame[23] !== 6) return null;
  return { kind: 'tcp', what: (frame[47] ?? 0) & 0x3f, from, toPort: frame.readUInt16BE(36) };
}
