// The certified provider as the company's: anybody may sign in by any password, in the groups that the name says.
import Provider from 'oidc-provider'

const [issuer, clientId, clientSecret, redirectUri] = process.argv.slice(2)
const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  conformIdTokenClaims: false,
  pkce: {required: () => true},
  cookies: {keys: ['only for a test']},
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      preferred_username: id,
      email: `${id}@example.com`,
      email_verified: true,
      groups: [id.startsWith('boss') ? 'data-approvers' : 'others'],
    }),
  }),
})
const server = provider.listen(Number(new URL(issuer).port), '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
