import type { IncomingMessage } from 'node:http'
import { serviceError } from '../service-errors.ts'

/** What a Signature Version 4 header says of who signed. */
export interface Signer {
  readonly accessKeyId: string
  readonly region: string
}

const scope = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/\d{8}\/([a-z0-9-]+)\/[a-z0-9]+\/aws4_request\b/

/** Throws `MissingAuthenticationToken` without a signature, `InvalidClientTokenId` for an unknown key. The signature itself is not computed again. */
export function signerOf(headers: IncomingMessage['headers'], accessKeyId: string): Signer {
  const [, signedBy, region] = scope.exec(headers.authorization ?? '') ?? []
  if (signedBy === undefined || region === undefined) throw serviceError('MissingAuthenticationToken', 'Request is missing Authentication Token')
  if (signedBy !== accessKeyId) throw serviceError('InvalidClientTokenId', 'The security token included in the request is invalid.')
  return { accessKeyId: signedBy, region }
}
