import { isBase64 } from '../body.ts'
import { Fields, isBody, notA, textIn } from './fields.ts'
import { formText } from './form-text.ts'

/** Names and values of a request; an object without a prototype. */
export type ApiGatewayValues = Readonly<Record<string, string>>

/** A request to API Gateway that a mapping template put into the queue. */
export interface ApiGatewayRequest {
  /** Of `body-json`: any JSON. Of `body`: text, or bytes where `isBase64Encoded` is true; `undefined` without a body. Check it before it is used. */
  readonly body: unknown
  readonly method: string | undefined
  readonly pathParameters: ApiGatewayValues
  readonly query: ApiGatewayValues
  /** Names in lower case. */
  readonly headers: ApiGatewayValues
  readonly stageVariables: ApiGatewayValues
  /** What the template gives of the request's context, as it came. */
  readonly context: Readonly<Record<string, unknown>>
}

/** Options of {@link parseApiGatewayForm}. */
export interface ApiGatewayFormOptions {
  /** Is the body the base64 of the form, as API Gateway makes it of binary media types with `CONVERT_TO_TEXT`? Default false. */
  readonly base64?: boolean
}

const request = 'a request of API Gateway'
const form = 'a form'

/**
 * A request that one of these templates put into the queue: API Gateway's own for passing all through (`body-json`, `params`, `stage-variables`, `context`), or one
 * that imitates the event of a Lambda proxy (`body`, `isBase64Encoded`, `headers`, `queryStringParameters` …).
 * A template that gives the client's body alone needs no parser: the body is what the client sent.
 * Throws `ERR_UNDECODABLE` for everything else.
 */
export function parseApiGatewayRequest(body: unknown): ApiGatewayRequest {
  const fields = Fields.of(isBody(body) ? withoutEscapedApostrophes(textIn(body, request)) : body, request)
  if (fields.has('params')) return passedThrough(fields)
  // Any JSON object would do otherwise.
  if (!fields.has('isBase64Encoded')) fields.fail('params', 'is missing, and so is isBase64Encoded')
  return likeProxy(fields)
}

/**
 * A form (`application/x-www-form-urlencoded`) that API Gateway put into the queue: the values of each name in their order, in an object without a prototype.
 * Throws `ERR_UNDECODABLE` for text that is not encoded so.
 */
export function parseApiGatewayForm(body: string | Uint8Array, { base64 = false }: ApiGatewayFormOptions = {}): Readonly<Record<string, readonly string[]>> {
  const sent = base64 ? (bytesOf(textIn(body, form)) ?? failForm('it is no base64')) : body
  const text = textIn(sent, form)
  if (/[^!-~]|["<>\\^`{|}]/.test(text)) failForm('it has characters that no form has')
  const values = Object.create(null) as Record<string, string[]>
  for (const pair of text === '' ? [] : text.split('&')) {
    const end = pair.includes('=') ? pair.indexOf('=') : pair.length
    const name = decoded(pair.slice(0, end))
    ;(values[name] ??= []).push(decoded(pair.slice(end + 1)))
  }
  return values
}

function decoded(encoded: string): string {
  return formText(encoded) ?? failForm('it is not URL-encoded')
}

function failForm(why: string): never {
  throw notA(form, why)
}

function passedThrough(fields: Fields): ApiGatewayRequest {
  const parameters = fields.fields('params')
  const context = fields.optionalFields('context')
  return {
    body: fields.values['body-json'],
    method: context?.optionalText('http-method'),
    pathParameters: parameters.texts('path'),
    query: parameters.texts('querystring'),
    headers: inLowerCase(parameters.texts('header')),
    stageVariables: fields.texts('stage-variables'),
    context: context?.values ?? {},
  }
}

function likeProxy(fields: Fields): ApiGatewayRequest {
  const text = fields.optionalText('body')
  const isBase64Encoded = fields.flag('isBase64Encoded')
  return {
    body: isBase64Encoded && text !== undefined ? (bytesOf(text) ?? fields.fail('body', 'must be base64')) : text,
    method: fields.optionalText('httpMethod'),
    pathParameters: fields.texts('pathParameters'),
    query: fields.texts('queryStringParameters'),
    headers: inLowerCase(fields.texts('headers')),
    stageVariables: fields.texts('stageVariables'),
    context: fields.optionalFields('requestContext')?.values ?? {},
  }
}

/** The template's `$util.escapeJavaScript` makes `\'` of apostrophes, which JSON does not know. */
function withoutEscapedApostrophes(json: string): string {
  return json.replaceAll(/\\(.)/gs, (escape, character) => (character === "'" ? "'" : escape))
}

function inLowerCase(headers: ApiGatewayValues): ApiGatewayValues {
  const lower = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value
  return lower
}

function bytesOf(text: string): Uint8Array | undefined {
  return isBase64(text) ? Buffer.from(text, 'base64') : undefined
}
