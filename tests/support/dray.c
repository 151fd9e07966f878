/* Running the built program. */
#include "support/dray.h"

#include <signal.h>

#include "support/common.h"

#define ARGUMENTS 40
#define VARIABLES 24

static const char *variables[VARIABLES + 1], *user;

void dray_environment(const char *name, const char *value)
{
	size_t i = 0, size = strlen(name);

	while (variables[i] &&
		!(strncmp(variables[i], name, size) == 0 && variables[i][size] == '='))
		i++;
	if (i == VARIABLES)
		give_up("more than %d variables", VARIABLES);
	variables[i] = text("%s=%s", name, value);
}

const char *dray_program(void)
{
	const char *named = getenv("DRAY_BINARY");

	return named && *named ? named : DRAY_BUILT_BINARY;
}

static void whole_line(const char **argv, const char *const *arguments)
{
	size_t count = 1;

	argv[0] = dray_program();
	while (*arguments && count < ARGUMENTS)
		argv[count++] = *arguments++;
	argv[count] = NULL;
}

struct result dray_run(const char *const *arguments, const char *input)
{
	const char *argv[ARGUMENTS + 1];

	whole_line(argv, arguments);
	return command_run(
		&(struct launch){ .argv = argv, .env = variables, .input = input }, 60000);
}

struct result dray_run_expect(const char *file, int line, int wanted, const char *const *arguments)
{
	struct result result = dray_run(arguments, NULL);

	if (result.status != wanted)
		give_up_at(file, line, "dray %s gave %d, not %d; it said:\n%s%s", arguments[0],
			result.status, wanted, result.out, result.err);
	return result;
}

void dray_user(const char *name)
{
	user = name;
}

/* Another user may not be able to enter the folder where the program was built. */
static const char *reachable(const char *program)
{
	char *copy = scratch_path("dray");
	const char *argv[] = { "install", "-m", "755", program, copy, NULL };
	struct result result = command_run(&(struct launch){ .argv = argv }, 20000);

	if (result.status != 0)
		give_up("cannot copy %s: %s", program, result.err);
	return copy;
}

struct proc *dray_launch(const char *name, const char *failpoints, const char *const *arguments)
{
	const char *argv[ARGUMENTS + 1], *env[VARIABLES + 2];
	size_t count = 0;

	whole_line(argv, arguments);
	if (user)
		argv[0] = reachable(argv[0]);
	for (; variables[count]; count++)
		env[count] = variables[count];
	env[count++] = text("DRAY_FAILPOINTS=%s", failpoints ? failpoints : "");
	env[count] = NULL;
	return proc_start(&(struct launch){ .argv = argv, .env = env, .user = user },
		scratch_path("%s.log", name));
}

void dray_stop(struct proc *proc)
{
	proc_signal(proc, SIGTERM);
	int status = proc_wait(proc, 30000);

	if (status != 0)
		give_up("dray ended with %d after SIGTERM; its log:\n%s", status, proc_log(proc));
}
