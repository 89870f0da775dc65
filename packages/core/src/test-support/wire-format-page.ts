import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../../../../docs/reference/wire-format.md', import.meta.url), 'utf8')

/** The first code block of a section of the page that other implementations are written by. */
export function shownIn(section: string): readonly string[] {
  const text = page.split(`\n## ${section}\n`)[1]?.split('\n## ', 1)[0]
  const block = text?.split('```text\n')[1]?.split('\n```', 1)[0]
  if (block === undefined) throw new Error(`the page shows no vectors of ${section}`)
  return block.split('\n').filter((line) => line !== '')
}

/** Bytes as the page writes them. */
export function hexOf(text: string): string {
  return (Buffer.from(text).toString('hex').match(/../g) ?? []).join(' ')
}
