/** What people type: below the help of each command, and in the manual. */

import type { Command } from 'commander';
import { benchExamples } from '../bench/options.ts';
import { examplesText } from '../help.ts';

/** By the words of the command, without the program. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  serve: [
    'serve --port vale0:a,vhost-user=/tmp/a.sock --port vale0:b,vhost-user=/tmp/b.sock',
    'serve --switch vale0,mtu=9000 --port vale0:a,vhost-user=/tmp/a.sock',
    'serve --config valenic.yaml --workers 2 --cpu 2,3 --polling busy',
  ],
  'port add': [
    'port add vale0:vm1,vhost-user=/tmp/vm1.sock,queues=2',
    'port add vale0:vm2,vhost-user=/tmp/vm2.sock,role=client,polling=event',
    'port add vale0:vm3,vhost-user=/tmp/vm3.sock,mode=0660,group=kvm',
  ],
  'port remove': ['port remove vale0:vm1'],
  'port list': ['port list', 'port list --json'],
  'port show': ['port show vale0:vm1'],
  'port set': ['port set vale0:vm1 budget=32 moderation=16/100', 'port set vale0:vm1 up=off'],
  'port forget': ['port forget vale0:vm1'],
  'port move': ['port move vale0:vm1 1', 'port move vale0:vm1 0,2-3'],
  polling: ['polling vale0 busy', 'polling vale0:vm1 adaptive --spin-us 20'],
  more: ['more vale0:vm1 off'],
  mtu: ['mtu vale0 9000', 'mtu vale0:vm1 none'],
  stats: ['stats', 'stats vale0 --watch', 'stats --watch --interval 0.2 --count 10 --json'],
  'guest run': [
    'guest run --port vale0:a',
    'guest run --port vale0:b --address 10.0.0.2/24 --ping 10.0.0.1',
    'guest run --port vale0:a --address dhcp --ping 10.0.2.2',
  ],
  'qemu-args': ['qemu-args vale0:a', 'qemu-args vale0:a --memory 2G --accel kvm'],
  'libvirt-xml': ['libvirt-xml vale0:a', 'libvirt-xml vale0:b --index 1 --accel kvm'],
  'cloud-hypervisor-args': ['cloud-hypervisor-args vale0:a --memory 2G'],
  doctor: ['doctor', 'doctor --json'],
  ...Object.fromEntries(Object.entries(benchExamples).map(([name, own]) => [`bench ${name}`, own])),
};

/** Below each command's help. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  const own = examples[path.join(' ')];
  if (own !== undefined) command.addHelpText('after', examplesText(own));
  // Those of bench come with its own program.
  for (const child of command.commands) addExamples(child, [...path, child.name()]);
}
