/** Every command as its user types it, against a daemon of its own. */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../backend/cli/index.ts';
import { testFolder, until } from '../support.ts';

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

let folder = '';
let control = '';

/** Ends commands that run until they are told to end. */
let stop = new AbortController();

beforeEach(async () => {
  folder = await testFolder();
  control = join(folder, 'control.sock');
  stop = new AbortController();
});

async function cli(...words: readonly string[]): Promise<Outcome> {
  let [out, err] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { VALENIC_CONTROL: control },
    signal: stop.signal,
  };
  const status = await runCli(words, io);
  return { status, out, err };
}

/** A daemon with two guest ports and a host port, for as long as `use` runs. */
async function withDaemon(use: () => Promise<void>): Promise<Outcome> {
  const guest = (name: string) => `vale0:${name},vhost-user=${join(folder, `${name}.sock`)}`;
  const ports = [guest('a'), guest('b'), 'vale0:h,host'].flatMap((port) => ['--port', port]);
  const serving = cli('serve', ...ports);
  try {
    await until(
      () => cli('port', 'list'),
      ({ status }) => status === 0,
    );
    await use();
  } finally {
    stop.abort();
  }
  return serving;
}

/** One line for a person: what is wrong and what to do. */
const sentence = /^valenic: [^\n]{10,300}\n$/;

describe('valenic', () => {
  it.each([
    [['frobnicate'], 2],
    [['port', 'frob'], 2],
    [['port', 'show'], 2],
    [['port', 'forget', 'v'], 2],
    [['serve', '--port', 'x'], 2],
    [['serve', '--port', 'v:a,vhost-user=/tmp/a,quues=2'], 2],
    [['serve', '--port', 'v:a,netmap=eth9'], 2],
    [['serve', '--workers', '0'], 2],
    [['serve', '--polling', 'fast'], 2],
    [['serve', '--cpu', 'x'], 2],
    [['serve', '--cpu', '8000'], 2],
    [['serve', '--config', '/nonexistent/valenic.yaml'], 4],
    [['polling', 'v', 'fast'], 2],
    [['polling', 'v'], 2],
    [['more', 'v', 'maybe'], 2],
    [['mtu', 'v', '67'], 2],
    [['serve', '--switch', 'v,mtu=big'], 2],
    [['stats', '--interval', '0'], 2],
    [['guest', 'run'], 2],
    [['guest', 'run', '--port', 'v:a', '--kernel', '/nonexistent/k'], 2],
    [['guest', 'run', '--port', 'v:a', '--kernel', '/none/k', '--initrd', '/none/i'], 4],
    [['guest', 'run', '--port', 'v:a', '--address', '10.0.0.300/24'], 2],
    [['qemu-args', 'v:a', '--index', '99'], 2],
    [['libvirt-xml', 'v'], 2],
    [['bench'], 2],
    [['bench', 'g2x'], 2],
    [['bench', 'g2g', '--ring', '100'], 2],
    [['bench', 'g2g', '--repeat', '1.5'], 2],
    [['bench', 'g2g', '--cpu', '8000,0'], 2],
    [['bench', 'g2g', '--cpu', '0,8000'], 2],
    [['bench', 'sweep', '--output', '/nonexistent/page.html'], 4],
    [['bench', 'g2g', '--driver', 'guest', '--qemu', '/nonexistent/qemu'], 4],
    [['bench', 'peers', '--driver', 'guest', '--qemu', '/nonexistent/qemu'], 4],
    [['bench', 'tcp', '--qemu', '/nonexistent/qemu'], 4],
    [['guest', 'run', '--port', 'v:a', '--qemu', '/nonexistent/qemu'], 4],
    [['qemu-args', 'v:a', '--qemu', '/nonexistent/qemu'], 4],
    [['port', 'list'], 3],
    [['port', 'add', 'v:a,host'], 3],
    [['stats', '--watch'], 3],
    [['guest', 'run', '--port', 'v:a'], 3],
  ])('answers %j with one sentence, and JSON when asked for it', async (words, status) => {
    const { out, ...told } = await cli(...words);
    expect(out).toBe('');
    expect(told).toEqual({ status, err: expect.stringMatching(sentence) });

    const asked = await cli(...words, '--json');
    expect(asked.status).toBe(status);
    const { code, message } = JSON.parse(asked.err) as { code: string; message: string };
    expect(code).toMatch(/^[a-z_]+$/);
    expect(`valenic: ${message}\n`).toBe(told.err);
  });

  it('takes the options of every command before the command, also for bench', async () => {
    const { status, err } = await cli('--json', '--control', control, 'bench', 'g2x');
    expect(status).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ code: 'usage' });
  });

  it('shows the verbs of a noun that stands alone, as words', async () => {
    const { status, out, err } = await cli('port');
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/add .*remove .*list .*show .*set /s);
  });

  it.each(['serve', 'stats', 'port add', 'guest run', 'bench sweep'])(
    'gives examples in the help of %s',
    async (name) => {
      const { status, out } = await cli(...name.split(' '), '--help');
      expect(status).toBe(0);
      expect(out).toContain(`Examples:\n  valenic ${name}`);
    },
  );
});

describe('commands to a daemon', () => {
  it('add, show, change and remove ports', async () => {
    const served = await withDaemon(async () => {
      const path = join(folder, 'c.sock');
      expect(await cli('port', 'add', `vale1:c,vhost-user=${path},mode=0660`)).toEqual({
        status: 0,
        out: '',
        err: `vale1:c added: ${path}\n`,
      });
      expect(existsSync(path)).toBe(true);
      const { out: shown } = await cli('port', 'show', 'vale1:c');
      expect(shown).toMatch(/front-end +not connected.*Nothing was dropped/s);
      const { out: set } = await cli('port', 'set', 'vale1:c', 'budget=7', '--json');
      expect(JSON.parse(set)).toMatchObject({ name: 'vale1:c', settings: { budget: 7 } });
      await cli('port', 'set', 'vale1:c', 'trunk=30-40+10', 'native=5', 'link-local=drop');
      const { out: tagged } = await cli('port', 'show', 'vale1:c');
      expect(tagged).toContain('trunk=10+30-40,native=5,link-local=drop');
      expect(tagged).toContain('trunk of 10, 30-40; untagged frames are of 5');
      expect(await cli('port', 'forget', 'vale1:c')).toEqual({
        ...{ status: 0, out: '', err: 'vale1:c: addresses forgotten: 0\n' },
      });
      const { out: forgotten } = await cli('port', 'forget', 'vale1:c', '--json');
      expect(JSON.parse(forgotten)).toEqual({ name: 'vale1:c', forgotten: 0 });
      expect(await cli('port', 'forget', 'vale1:x')).toMatchObject({ status: 4 });
      expect(await cli('port', 'remove', 'vale1:c')).toMatchObject({ status: 0, out: '' });
      expect(existsSync(path)).toBe(false);
      expect(await cli('port', 'show', 'vale1:c')).toMatchObject({ status: 4 });
    });
    expect(served).toMatchObject({ status: 0, out: '' });
    expect(existsSync(control)).toBe(false);
  });

  it('set polling, more and mtu, of a port and of a whole switch', async () => {
    await withDaemon(async () => {
      const settings = async (...words: readonly string[]) => {
        const { out } = await cli(...words, '--json');
        const { ports } = JSON.parse(out) as { ports: { settings: Record<string, unknown> }[] };
        return ports.map((port) => port.settings);
      };
      expect(await settings('polling', 'vale0', 'adaptive', '--spin-us', '7')).toEqual([
        expect.objectContaining({ polling: 'adaptive', spinUs: 7 }),
        expect.objectContaining({ polling: 'adaptive', spinUs: 7 }),
        expect.objectContaining({ polling: 'adaptive', spinUs: 7 }),
      ]);
      expect(await settings('more', 'vale0:b', 'off')).toEqual([
        expect.objectContaining({ more: false }),
      ]);
      expect(await cli('more', 'vale0:nobody', 'off')).toMatchObject({ status: 4 });
      expect(await settings('mtu', 'vale0', '9000')).toEqual(
        Array(3).fill(expect.objectContaining({ mtu: 9000 })),
      );
      expect(await settings('mtu', 'vale0:a', 'none')).toEqual([
        expect.objectContaining({ mtu: 0 }),
      ]);
      expect((await cli('qemu-args', 'vale0:b')).out).toContain('host_mtu=9000');
      expect((await cli('libvirt-xml', 'vale0:b')).out).toContain("<mtu size='9000'/>");
      expect((await cli('port', 'show', 'vale0:b')).out).toMatch(/^ +MTU +9000$/m);
      expect(await cli('polling', 'vale9', 'busy')).toMatchObject({ status: 4 });
    });
  });

  it('hint at a port that nobody can reach', async () => {
    await withDaemon(async () => {
      await cli('port', 'set', 'vale0:a', 'vlan=10');
      const { out: alone } = await cli('port', 'show', 'vale0:a');
      expect(alone).toMatch(
        /hint +no other port of vale0 shares a VLAN with vale0:a \(access to 10/,
      );
      await cli('port', 'set', 'vale0:b', 'trunk=5+10');
      expect((await cli('port', 'show', 'vale0:a')).out).not.toMatch(/hint/);
      await cli('port', 'add', 'vale1:h,host');
      const { out: shown } = await cli('port', 'show', 'vale1:h');
      expect(shown).toMatch(/hint +vale1:h is the only port on vale1/);
    });
  });

  it('tell counters once, and rates as often as they are asked for', async () => {
    await withDaemon(async () => {
      const { out: once } = await cli('stats');
      expect(once.split('\n')[0]).toMatch(/^PORT +TX FRAMES +TX BYTES +RX FRAMES/);
      const watch = ['stats', 'vale0', '--watch', '--interval', '0.05', '--count', '2'];
      const { status, out } = await cli(...watch, '--json');
      expect(status).toBe(0);
      const rows = out.trim().split('\n');
      expect(rows.map((row) => Object.keys(JSON.parse(row).ports))).toEqual([
        ['vale0:a', 'vale0:b', 'vale0:h'],
        ['vale0:a', 'vale0:b', 'vale0:h'],
      ]);
    });
  });

  it('print what attaches a guest, and refuse it for other ports', async () => {
    await withDaemon(async () => {
      const { out } = await cli('qemu-args', 'vale0:a', '--accel', 'kvm');
      expect(out).toContain(`path=${join(folder, 'a.sock')}`);
      expect(out).toContain('share=on');
      const { err } = await cli('qemu-args', 'vale0:a', '--accel', 'tcg');
      expect(err).toContain('maxcpus=2');
      const { out: xml } = await cli('libvirt-xml', 'vale0:a');
      expect(xml).toMatch(/<interface type='vhostuser'>/);
      expect(await cli('qemu-args', 'vale0:h')).toMatchObject({
        status: 2,
        err: expect.stringMatching(/host port/),
      });
    });
  });

  it('give a guest the address that port show has for it, or the one asked for', async () => {
    await withDaemon(async () => {
      const { guestMac } = JSON.parse((await cli('--json', 'port', 'show', 'vale0:a')).out);
      expect((await cli('qemu-args', 'vale0:a')).out).toContain(`mac=${guestMac}`);
      expect((await cli('libvirt-xml', 'vale0:a')).out).toContain(`<mac address='${guestMac}'/>`);
      expect((await cli('qemu-args', 'vale0:b')).out).not.toContain(guestMac);
      const asked = await cli('qemu-args', 'vale0:a', '--mac', '52:54:00:00:00:01');
      expect(asked.out).toContain('mac=52:54:00:00:00:01');
    });
  });

  it.each([
    ['a name that is taken', 'vale0:a,host', /there is already a port vale0:a/],
    ['a socket that is in use', 'vale0:c,vhost-user=FOLDER/a.sock', /choose another path/],
    ['a folder that is not there', 'vale0:c,vhost-user=FOLDER/no/c.sock', /does not exist/],
    ['a file that is not a socket', 'vale0:c,vhost-user=FOLDER/file', /is not a socket/],
    ['an unknown group', 'vale0:c,vhost-user=FOLDER/c.sock,group=nogrp7', /no group "nogrp7"/],
  ])('refuse %s', async (_, port, message) => {
    await withDaemon(async () => {
      writeFileSync(join(folder, 'file'), '');
      const { status, err } = await cli('port', 'add', port.replace('FOLDER', folder));
      expect(status).toBe(1);
      expect(err).toMatch(sentence);
      expect(err).toMatch(message);
    });
  });

  it('refuse a QEMU that is not there before anything is fetched for a guest', async () => {
    await withDaemon(async () => {
      const { status, err } = await cli('guest', 'run', '--port', 'vale0:a', '--qemu', 'no-qemu');
      expect(status).toBe(1);
      expect(err).toMatch(sentence);
      expect(err).toContain('apt-get install qemu-system-x86');
    });
  });
});

describe('valenic serve', () => {
  it('does not take the control socket of a daemon that answers', async () => {
    await withDaemon(async () => {
      expect(await cli('serve')).toMatchObject({
        status: 1,
        err: expect.stringMatching(/a daemon already answers at .*--control/),
      });
    });
  });

  it('reads a file, and says in which line it is wrong', async () => {
    const path = join(folder, 'valenic.yaml');
    writeFileSync(path, 'workers: 1\nports:\n  - vale0:a,hots\n');
    expect(await cli('serve', '--config', path)).toMatchObject({
      status: 2,
      err: expect.stringMatching(/valenic\.yaml:3:5: unknown key "hots"; did you mean "host"\?/),
    });
  });

  it('writes its log in words on a terminal and as JSON elsewhere', async () => {
    const { err } = await withDaemon(async () => {});
    for (const line of err.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
  });
});

describe('valenic doctor', () => {
  it('has an answer to every question, and advice where something is wrong', async () => {
    const { status, out } = await cli('doctor', '--json');
    expect(status).toBe(0);
    const { checks } = JSON.parse(out) as { checks: Record<string, string>[] };
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Node', 'addon', 'memfd', 'CPUs', 'QEMU', 'KVM']),
    );
    const wrong = checks.filter(({ status: found }) => found !== 'ok');
    expect(wrong.filter(({ advice }) => advice === undefined)).toEqual([]);
  });

  it('fails where the control socket cannot be', async () => {
    writeFileSync(join(folder, 'file'), '');
    control = join(folder, 'file/control.sock');
    expect(await cli('doctor')).toMatchObject({ status: 1, out: expect.stringContaining('->') });
  });
});

describe('valenic bench', () => {
  it('tells how far it came when it is stopped, and leaves the page of what it has', async () => {
    const page = join(folder, 'page.html');
    const times = ['--seconds', '0.1', '--warmup', '0', '--repeat', '1', '--latency-rate', '0'];
    let [out, err] = ['', ''];
    const io = {
      stdout: {
        write: (text: string) => {
          out += text;
          // The second row was requested: then the user has seen enough.
          if (out.split('\n').length > 2) stop.abort();
        },
      },
      stderr: { write: (text: string) => (err += text) },
      signal: stop.signal,
    };
    const status = await runCli(['bench', 'sweep', '--json', '--output', page, ...times], io);

    expect(status).toBe(1);
    const rows = out.trim().split('\n');
    expect(rows.length).toBeLessThan(18);
    expect(err).toContain(`"stopped after ${rows.length} measured points"`);
    expect(existsSync(page)).toBe(true);
  });
});
