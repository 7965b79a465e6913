/** A device that says whatever has a default. */
export type Filled<Some> = Some extends unknown
  ? Some & { readonly [Key in Extract<keyof Some, 'role' | 'queues'>]-?: NonNullable<Some[Key]> }
  : never;
