/**
 * Attacks that still succeed, by name, and what they wait for. They are named and counted as not
 * run; an entry goes with the commit that makes its attack fail.
 */
export const awaiting: Readonly<Record<string, string>> = {};
