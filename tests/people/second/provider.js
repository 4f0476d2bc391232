// The certified provider as the company's: anybody may sign in by any password, in the groups that the name says.
// With a resource it is an authorization server too: signed access tokens for that audience, and refresh tokens that
// are replaced with each use; one that comes twice ends the whole grant.
import Provider from 'oidc-provider'

const [issuer, clientId, clientSecret, redirectUri, resource, scope, life] = process.argv.slice(2)
const forResource = {audience: resource, scope, accessTokenFormat: 'jwt', accessTokenTTL: 600}
const trusting = resource && {
  rotateRefreshToken: true,
  ttl: {RefreshToken: Number(life)},
  features: {
    revocation: {enabled: true},
    introspection: {enabled: true},
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => forResource,
    },
  },
}
const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', ...(resource ? ['refresh_token'] : [])],
    response_types: ['code'],
  }],
  scopes: ['openid', 'profile', 'email', 'groups', ...(resource ? ['offline_access'] : [])],
  claims: {
    openid: ['sub'],
    profile: ['preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  ...trusting,
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
