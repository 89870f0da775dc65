import { tmpdir } from 'node:os'

/** Where the programs of a broker live and run: on the machine itself, or in an unpacked tree. */
export interface Place {
  /** A folder that programs in this place can reach, for temporary files. */
  readonly temporary: string
  /** Environment that every program in this place needs. */
  readonly env: Readonly<Record<string, string>>
  /** A path below `temporary`, as the programs see it. */
  inside(path: string): string
  /** The command line that starts a program in this place. */
  command(program: string, args: readonly string[]): { readonly file: string; readonly args: readonly string[] }
}

/** The machine itself. */
export function hostPlace(): Place {
  return {
    temporary: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' },
    inside: (path) => path,
    command: (file, args) => ({ file, args }),
  }
}
