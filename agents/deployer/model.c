/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of the model of a policy, as documents. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/deployer/state.h"
#include "agents/attacher/supplier.h"
#include "base/err.h"
#include "base/mem.h"
#include "learn/forecast.h"

int deployer_check_model(const struct deployer *d)
{
	struct forecast *m;
	int rc;

	if (!d->o->model)
		return 0;
	if (getuid())
		return err_set(EPERM, "--model: a model is taken from root "
				      "alone");
	m = mem_zalloc(1, sizeof(*m));
	rc = supplier_read(d->o->model, m);
	free(m);
	return rc ? err_prefix(rc, "--model") : 0;
}

void deployer_tell_models(struct deployer *d)
{
	const char *parents[] = {d->policy->id};
	struct json *notes = attacher_notes(&d->attacher);

	json_each (n, notes) {
		struct json *body = json_copy(n);

		if (d->o->said)
			d->o->said(d->o->said_arg, json_text_at(n, "text"));
		json_set_string(body, "about", d->policy->id);
		stream_emit(d->s, doc_new("note", DEPLOYER_NAME, body, parents,
					  ARRAY_LEN(parents)));
	}
	if (notes && d->o->emitted)
		d->o->emitted(d->o->emitted_arg);
	json_free(notes);
}
