import type { WireError } from '../wire-error.ts'

const namespace = 'http://sns.amazonaws.com/doc/2010-03-31/'

export function resultXml(action: string, requestId: string, result: object): string {
  const inner = element(`${action}Result`, result)
  return `<${action}Response xmlns="${namespace}">${inner}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
}

export function errorXml(requestId: string, { legacyCode, message, fault }: WireError): string {
  const error = { Type: fault, Code: legacyCode, Message: message }
  return `<ErrorResponse xmlns="${namespace}">${element('Error', error)}<RequestId>${requestId}</RequestId></ErrorResponse>`
}

/** Lists have members, maps have entries; what is `undefined` is absent. */
function element(name: string, value: unknown): string {
  return value === undefined ? '' : `<${name}>${content(value)}</${name}>`
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => element('member', item)).join('')
  if (value instanceof Map) return [...value].map(([key, item]) => element('entry', { key, value: item as unknown })).join('')
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, item]) => element(name, item))
      .join('')
  return escape(String(value))
}

function escape(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}
