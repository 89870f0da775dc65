/** Encrypts bodies and authenticates what goes with them, so that brokers and their operators see neither. */
export { decryption, type DecryptionOptions, type KeyFailure } from './decryption.ts'
export { encryption, type EncryptionOptions } from './encryption.ts'
export type { KeyProvider, MasterKey, MasterKeyMaterial } from './keys.ts'
export { localKeys, type LocalKeysOptions } from './local-keys.ts'
