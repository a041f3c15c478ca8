package adminapi

import (
	"context"

	"tollgate/api/admin"
)

func (s *service) credentials() {
	register(s, "createCredential", about{
		tag: "Credentials", summary: "Store a provider credential", created: true, repeats: true,
		text: "It is sealed with the master key and sent to its one host only. Its value is never shown.",
	}, func(ctx context.Context, rq *asked, _ *none, in *admin.CredentialInput) (*admin.CredentialChanged, error) {
		return s.control.CreateCredential(ctx, rq.Call, *in)
	})
	register(s, "listCredentials", about{tag: "Credentials", summary: "List provider credentials"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.CredentialList, error) {
			return s.control.Credentials(ctx, rq.Call)
		})
	register(s, "getCredential", about{tag: "Credentials", summary: "Show a provider credential"},
		func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.Credential, error) {
			return s.control.Credential(ctx, rq.Call, in.ID)
		})
	register(s, "editCredential", about{
		tag: "Credentials", summary: "Edit a provider credential", matches: true,
		text: "Its name, that is; its value is replaced by rotate, and it stays bound to its provider and host.",
	}, func(ctx context.Context, rq *asked, in *named, patch *merge[admin.CredentialEdit]) (*admin.CredentialChanged, error) {
		return s.control.EditCredential(ctx, rq.Call, in.ID, patch.raw)
	})
	register(s, "deleteCredential", about{tag: "Credentials", summary: "Delete a provider credential", matches: true},
		func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.Deleted, error) {
			return s.control.DeleteCredential(ctx, rq.Call, in.ID)
		})
	register(s, "rotateCredential", about{
		tag: "Credentials", summary: "Replace the value of a provider credential", matches: true,
		text: "The new value is in use when the answer comes.",
	}, func(ctx context.Context, rq *asked, in *named, value *admin.CredentialValue) (*admin.CredentialChanged, error) {
		return s.control.RotateCredential(ctx, rq.Call, in.ID, *value)
	})
	register(s, "testCredential", about{
		tag: "Credentials", summary: "Test a provider credential",
		text: "By a call to the provider that costs nothing. A token may do so a few times a minute.",
	}, func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.CredentialTest, error) {
		if wait := s.tests.wait(rq.Actor.ID); wait > 0 {
			return nil, tooMany(wait, "too_many_tests", "this token tested credentials too often: try again later")
		}
		s.tests.add(rq.Actor.ID)
		return s.control.TestCredential(ctx, rq.Call, in.ID)
	})
}

func (s *service) adminTokens() {
	register(s, "createAdminToken", about{
		tag: "Admin tokens", summary: "Create an admin token", created: true, repeats: true,
		text: "The token is in this answer and never shown again.",
	}, func(ctx context.Context, rq *asked, _ *none, in *admin.AdminTokenInput) (*admin.AdminTokenCreated, error) {
		return s.control.MakeToken(ctx, rq.Call, *in)
	})
	register(s, "listAdminTokens", about{tag: "Admin tokens", summary: "List admin tokens"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.AdminTokenList, error) {
			return s.control.AdminTokens(ctx, rq.Call)
		})
	register(s, "deleteAdminToken", about{
		tag: "Admin tokens", summary: "Delete an admin token",
		text: "It is refused from the next request on.",
	}, func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.Deleted, error) {
		return s.control.DeleteToken(ctx, rq.Call, in.ID)
	})
	register(s, "whoAmI", about{tag: "Admin tokens", summary: "Tell whose the presented admin token is"},
		func(_ context.Context, rq *asked, _, _ *none) (*admin.WhoAmI, error) {
			return s.who(rq), nil
		})
}

// priceQuery are the parameters of a search for prices.
type priceQuery struct {
	Model  string `query:"model" maxLength:"200" doc:"The prices of this model alone, under every provider that has it"`
	Text   string `query:"q" maxLength:"200" doc:"In the name of the model or its provider"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *service) prices() {
	register(s, "listModels", about{tag: "Prices", summary: "List what can be called"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.ModelList, error) {
			return s.control.Models(ctx, rq.Call)
		})
	register(s, "listProviders", about{
		tag: "Server", summary: "List providers with the health of their targets",
		text: "What the gateway itself saw of them; nothing is sent to a provider for this.",
	}, func(ctx context.Context, rq *asked, _, _ *none) (*admin.ProviderList, error) {
		return s.control.Providers(ctx, rq.Call)
	})
	register(s, "listPrices", about{
		tag: "Prices", summary: "List prices",
		text: "With where each comes from and its date. With model, those of one model.",
	}, func(ctx context.Context, rq *asked, in *priceQuery, _ *none) (*admin.PriceList, error) {
		if in.Model != "" {
			return s.control.Price(ctx, rq.Call, in.Model)
		}
		return s.control.Prices(ctx, rq.Call, in.Text, in.Cursor, in.Limit)
	})
	register(s, "getPriceOverrides", about{tag: "Prices", summary: "Show your own price list"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.PriceOverrides, error) {
			return s.control.PriceOverrides(ctx, rq.Call)
		})
	register(s, "setPriceOverrides", about{
		tag: "Prices", summary: "Replace your own price list", matches: true,
		text: "It stands above all others, for requests from now on; what was charged stays charged.",
	}, func(ctx context.Context, rq *asked, _ *none, list *priceList) (*admin.PriceOverrides, error) {
		return s.control.SetPriceOverrides(ctx, rq.Call, list.raw)
	})
}
