import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The first program of that name, on the PATH or where services have theirs, that is the right one. */
export async function installedProgram(name: string, isRight: (program: string) => Promise<boolean>): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  for (const folder of folders) {
    const program = join(folder, name)
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found && (await isRight(program))) return program
  }
  return undefined
}
