import { limits } from './limits.ts'

/** Does SNS take it as a subject? Fewer than 100 characters, none of them a control character, the first a letter, digit or punctuation. */
export function isSubject(text: string): boolean {
  return text.length < limits.subjectLength && /^[\p{L}\p{N}\p{P}\p{S}][^\p{Cc}]*$/u.test(text)
}
