import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from '../paths.ts'
import type { Page } from './pages.ts'

/** Every relative link leads to a file of the repository, and its fragment to a heading there. */
export function linkErrors(pages: readonly Page[], base: string = root): string[] {
  return pages.flatMap((page) => linksOf(page.text).flatMap((link) => linkError(page, link, base) ?? []))
}

function linkError(page: Page, link: string, base: string): string | undefined {
  const [path = '', fragment] = link.split('#')
  const target = path === '' ? page.file : relative(base, join(base, dirname(page.file), decodeURIComponent(path)))
  if (target.startsWith('..') || !existsSync(join(base, target))) return `${page.file}: ${link} leads nowhere`
  if (fragment === undefined || !target.endsWith('.md')) return undefined
  return headingsOf(readFileSync(join(base, target), 'utf8')).includes(fragment) ? undefined : `${page.file}: ${link}: ${target} has no such heading`
}

/** Targets of inline links, images and reference definitions, except those with a scheme. */
function linksOf(text: string): string[] {
  const prose = withoutCode(text)
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
  const definitions = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
  return [...inline, ...definitions].flatMap((match) => match[1] ?? []).filter((link) => !/^[a-z][a-z+.-]*:/i.test(link))
}

/** Fragments as the usual renderers make them: lower case, punctuation dropped, spaces to hyphens, repeats numbered. */
function headingsOf(text: string): string[] {
  const seen = new Map<string, number>()
  return [...withoutFences(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map((match) => {
    const plain = (match[1] ?? '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
}

function withoutFences(text: string): string {
  return text.replaceAll(/^( *)(`{3,}|~{3,})[^]*?^\1\2/gm, '')
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '')
}
