// A certified OpenID provider for the tests: signs in whomever `?account=` names, and gives machines tokens.
//
//   node provider.mjs REDIRECT_URI       prints its address when it listens, ends with its standard input
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [redirectUri] = process.argv.slice(2);
const secret = "a secret, with signs: %&+";
const api = "https://registry.example/api";
const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
    clients: [
        { client_id: "registry", client_secret: secret, redirect_uris: [redirectUri] },
        {
            client_id: "machine",
            client_secret: secret,
            redirect_uris: [],
            response_types: [],
            grant_types: ["client_credentials"],
        },
    ],
    jwks: { keys: [{ ...jwk, kid: "rsa", alg: "RS256", use: "sig" }] },
    cookies: { keys: ["only for tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], roles: ["roles"] },
    scopes: ["openid", "email", "profile", "roles"],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({
            sub: id,
            name: "Ada Miller",
            email: `${id}@login.example`,
            email_verified: true,
            roles: ["trader"],
        }),
    }),
    // Whoever signs in has agreed.
    async loadExistingGrant(context) {
        const { clientId } = context.oidc.client;
        const grant = new context.oidc.provider.Grant({ clientId, accountId: context.oidc.session.accountId });
        grant.addOIDCScope("openid email profile roles");
        await grant.save();
        return grant;
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        // With `resource`, access tokens are for that API (RFC 8707): JWTs (RFC 9068), or opaque.
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, resource) => ({
                scope: "read",
                audience: api,
                accessTokenFormat: resource.endsWith("/opaque") ? "opaque" : "jwt",
                jwt: { sign: { alg: "RS256" } },
            }),
        },
    },
    extraTokenClaims: () => ({ roles: ["trader"] }),
    ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
});

provider.use(async (context, next) => {
    if (!context.path.startsWith("/interaction/")) return next();
    const login = { accountId: String(context.query.account) };
    context.respond = false;
    await provider.interactionFinished(context.req, context.res, { login });
});

server.on("request", provider.callback());
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
console.log(issuer);
