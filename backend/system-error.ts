/** What the operating system says, in words. */

/** The `code` of an error that has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export const noDescriptorsLeft = 'this process has no file descriptors left';
export const raiseFdLimit = 'raise its limit (ulimit -n)';

/** What the system said, as the half of a sentence that has one cause and what to do. */
export function systemText(error: unknown): string {
  switch (codeOf(error)) {
    case 'EMFILE':
      return `${noDescriptorsLeft}: ${raiseFdLimit}`;
    case 'ENFILE':
      return 'this host has no file descriptors left: raise fs.file-max';
    case 'ENOMEM':
    case 'ENOBUFS':
      return 'this host has no memory left';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
