using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Commands;

namespace Pipeline.Host.Tests.Commands;

public sealed class HelpTests
{
    [Fact]
    public void Every_command_argument_and_option_is_described()
    {
        RootCommand root = AlmCommandLine.Root(new CommandEnvironment { Stages = [] });

        Assert.NotEmpty(root.Subcommands);
        foreach (Command command in root.Subcommands)
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, o => Assert.False(string.IsNullOrWhiteSpace(o.Description), $"{command.Name} {o.Name}"));
            Assert.All(command.Arguments, a => Assert.False(string.IsNullOrWhiteSpace(a.Description), $"{command.Name} {a.Name}"));
        }
    }

    [Fact]
    public async Task An_option_without_its_value_is_refused_in_every_command()
    {
        Command[] commands = [.. AlmCommandLine.Root(new CommandEnvironment { Stages = [] }).Subcommands.Where(c => c.Subcommands.Count == 0)];
        foreach ((Command command, Option option) in commands.SelectMany(c => c.Options.Where(o => o.Arity.MinimumNumberOfValues > 0).Select(o => (c, o))))
        {
            AlmAnswer answer = await Alm.RunAsync([command.Name, option.Name]);
            Assert.True(answer.Code == ExitCodes.Definition, $"alm {command.Name} {option.Name}: exit {answer.Code}, {answer.Error}");
            Assert.DoesNotContain("Exception", answer.Error, StringComparison.Ordinal);
        }
        Assert.Contains("--output", (await Alm.RunAsync(["score", "--output"])).Error, StringComparison.Ordinal);
        Assert.Contains("--limit", (await Alm.RunAsync(["inspect", "pair", "a", "b", "--text", "c", "--limit", "many"])).Error, StringComparison.Ordinal);
    }
}
