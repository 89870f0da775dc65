import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Begins with the files that `BUSBAR_FIRST` names, in that order: one that takes long and begins last keeps a core waiting. The others follow by vitest's own rules. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const first = (process.env['BUSBAR_FIRST'] ?? '').split(',').filter((name) => name !== '')
    const place = ({ moduleId }: TestSpecification): number => {
      const found = first.findIndex((name) => moduleId.endsWith(name))
      return found === -1 ? first.length : found
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
