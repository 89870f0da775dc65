const codes = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|HOSTNAME/

/**
 * Is it the `code` of an error by which Node or OpenSSL says that a certificate, a key, a host name or the version of TLS does not fit? That does not pass by itself:
 * drivers make `ERR_CONFIGURATION` of it.
 */
export function isTlsFault(code: unknown): boolean {
  return typeof code === 'string' && codes.test(code)
}
