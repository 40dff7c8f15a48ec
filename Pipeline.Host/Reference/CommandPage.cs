using System.CommandLine;
using System.Globalization;
using System.Text;

namespace Pipeline.Host.Reference;

/// <summary>Writes the reference page of a command: its syntax, what it does, its arguments and options, and the same for its subcommands.</summary>
internal static class CommandPage
{
    /// <summary>The page of a command, as Markdown.</summary>
    /// <param name="command">A command directly below the root.</param>
    /// <param name="options">The options that every command has.</param>
    public static string Of(Command command, IEnumerable<Option> options)
    {
        var page = new StringBuilder();
        Add(page, command, "alm", "#", [.. options]);
        return page.ToString();
    }

    private static void Add(StringBuilder page, Command command, string before, string heading, Option[] common)
    {
        string name = $"{before} {command.Name}";
        page.Append(CultureInfo.InvariantCulture, $"{heading} {name}\n\n{command.Description}\n\n");
        page.Append(CultureInfo.InvariantCulture, $"```sh\n{name}{string.Concat(command.Arguments.Select(a => " " + Shown(a)))}{(command.Options.Count > 0 ? " [options]" : "")}\n```\n");
        foreach (Argument argument in command.Arguments)
            page.Append(CultureInfo.InvariantCulture, $"\n* **`{NameOf(argument)}`**: {argument.Description}");
        foreach (Option option in command.Options.Where(o => !o.Hidden && o is not System.CommandLine.Help.HelpOption).Concat(common))
        {
            string names = string.Join(", ", option.Aliases.Append(option.Name).OrderBy(n => n.Length).ThenBy(n => n, StringComparer.Ordinal).Select(n => $"`{n}`"));
            string value = option.ValueType == typeof(bool) ? "" : $" {option.HelpName ?? "VALUE"}";
            page.Append(CultureInfo.InvariantCulture, $"\n* **{names}**{value}{(option.Required ? " (required)" : "")}: {option.Description}");
        }
        page.Append('\n');
        foreach (Command inner in command.Subcommands.Where(c => !c.Hidden))
        {
            page.Append('\n');
            Add(page, inner, name, heading + "#", common);
        }
    }

    private static string NameOf(Argument argument) => argument.HelpName ?? argument.Name.ToUpperInvariant();

    private static string Shown(Argument argument)
    {
        string several = argument.Arity.MaximumNumberOfValues > 1 ? "…" : "";
        return argument.Arity.MinimumNumberOfValues > 0 ? $"{NameOf(argument)}{several}" : $"[{NameOf(argument)}{several}]";
    }
}
