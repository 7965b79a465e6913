import { describe, expect, it } from 'vitest';
import {
  parsePort,
  parseSettingWords,
  portText,
  securityTexts,
} from '../../../backend/config/index.ts';
import { checkedSettings } from '../../../backend/config/spec.ts';
import { defaultSettings } from '../../../backend/index.ts';

const one = { mac: '02:00:00:00:00:01', ips: [] };
const two = { mac: '02:00:00:00:00:02', ips: ['10.0.0.2', 'fd00::2'] };

describe('allow=', () => {
  it('adds up, and is written as it was read', () => {
    const text =
      'vale0:a,host,allow=02:00:00:00:00:01,allow=02:00:00:00:00:02+10.0.0.2+fd00::2,isolate=on';
    const port = parsePort(text);
    expect(port.settings).toEqual({ allow: [one, two], isolate: true });
    expect(portText(port)).toBe(text);
  });

  it('is off: anybody', () => {
    expect(parseSettingWords(['allow=off'])).toEqual({ allow: [] });
    expect(portText(parsePort('vale0:a,host,allow=off'))).toBe('vale0:a,host,allow=off');
  });

  it('takes capital letters for small ones', () => {
    expect(parseSettingWords(['allow=0A:00:00:00:00:0F+FD00::1'])).toEqual({
      allow: [{ mac: '0a:00:00:00:00:0f', ips: ['fd00::1'] }],
    });
  });

  it.each([
    ...['', '02:00:00:00:00', '02-00-00-00-00-01', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'],
    ...['00:00:00:00:00:00', '02:00:00:00:00:01+', '02:00:00:00:00:01+10.0.0', '10.0.0.1'],
    ...['02:00:00:00:00:01+fe80::1%eth0', '02:00:00:00:00:01+10.0.0.0/24'],
  ])('refuses %s, and says what may stand there', (text) => {
    expect(() => parseSettingWords([`allow=${text}`])).toThrow(/MAC or MAC\+IP|allow/);
  });

  it('refuses a station twice, and more than 64', () => {
    const words = ['allow=02:00:00:00:00:01', 'allow=02:00:00:00:00:01+10.0.0.1'];
    expect(() => parseSettingWords(words)).toThrow('allow names 02:00:00:00:00:01 twice');
    const many = Array.from(
      { length: 65 },
      (_, index) => `allow=02:00:00:00:00:${index.toString(16).padStart(2, '0')}`,
    );
    expect(() => parseSettingWords(many)).toThrow('at most 64');
    expect(parseSettingWords(many.slice(1)).allow).toHaveLength(64);
  });

  it('is checked in what a program gives, too', () => {
    expect(checkedSettings({ allow: [two] })).toEqual({ allow: [two] });
    expect(() => checkedSettings({ allow: [{ mac: 'x' }] })).toThrow(
      'settings.allow[0].mac has the wrong type: give six bytes like 52:54:00:00:00:01',
    );
    expect(() => checkedSettings({ allow: [{ mac: 'ff:ff:ff:ff:ff:ff' }] })).toThrow(/MAC or MAC/);
    expect(() => checkedSettings({ allow: [{ ...one, ip: [] }] })).toThrow('unknown key "ip"');
  });
});

describe('storm limits', () => {
  it('are frames a second, or auto', () => {
    const words = ['storm-broadcast=0', 'storm-multicast=auto', 'storm-unknown-unicast=5000'];
    expect(parseSettingWords(words)).toEqual({
      ...{ stormBroadcast: 0, stormMulticast: 'auto', stormUnknownUnicast: 5000 },
    });
    expect(() => parseSettingWords(['storm-broadcast=many'])).toThrow('frames a second');
    expect(() => parseSettingWords(['storm-broadcast=100000001'])).toThrow('frames a second');
  });
});

describe('port show', () => {
  it('says what is not as it is for every port', () => {
    expect(securityTexts(defaultSettings)).toEqual([]);
    const settings = {
      ...{ ...defaultSettings, allow: [two], stickyMacs: true, raGuard: true, isolate: true },
      ...{ unknownUnicast: false, stormBroadcast: 10 },
    };
    expect(securityTexts(settings)).toEqual([
      'only 02:00:00:00:00:02+10.0.0.2+fd00::2',
      'addresses learned here stay here',
      'no router advertisements from here',
      'isolated from other isolated ports',
      'gets no frames for unknown addresses',
      'at most 10 broadcast frames a second',
    ]);
  });
});
