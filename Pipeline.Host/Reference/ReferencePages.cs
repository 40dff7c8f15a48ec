using System.CommandLine;
using System.Globalization;
using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Reference;

/// <summary>Writes the reference of everything that a definition and a command line may say, as Markdown, from the records that bind and check them.</summary>
internal static class ReferencePages
{
    /// <summary>All pages of the reference.</summary>
    /// <returns>The path of each page below the folder of the reference, with slashes, and its text.</returns>
    public static IReadOnlyList<(string Path, string Text)> Of(StageCatalog catalog, RootCommand root)
    {
        var keys = new KeyList();
        StageRegistration[] stages = [.. catalog.Names.Select(name => catalog[name])];
        Command[] commands = [.. root.Subcommands.Where(c => !c.Hidden)];
        Option[] common = [.. root.Options.Where(o => o.Recursive && o is not System.CommandLine.Help.HelpOption)];
        return
        [
            ("README.md", Index(stages, catalog.Teachers, commands)),
            ("definition.md", $"# Definition files\n\nJSON with comments. [Stages](README.md#stages) and [teachers](README.md#teachers) have pages of their own.\n\n{keys.Of(typeof(RunDefinition))}"),
            .. stages.Select(stage => ($"stages/{stage.Name}.md", Stage(stage, keys))),
            .. catalog.Teachers.Select(teacher => ($"teachers/{teacher.Name}.md", $"# Teacher `{teacher.Name}`\n\n{teacher.Summary}\n\n{keys.Of(teacher.OptionsType)}")),
            .. commands.Select(command => ($"commands/{command.Name}.md", CommandPage.Of(command, common))),
        ];
    }

    private static string Index(IEnumerable<StageRegistration> stages, IEnumerable<TeacherRegistration> teachers, IEnumerable<Command> commands)
    {
        var page = new StringBuilder("# Reference\n\nWritten by `alm reference` from the descriptions in the code; do not edit by hand. The keys around the stages are in [definition.md](definition.md).\n");
        page.Append("\n## Stages\n\n");
        foreach (StageRegistration stage in stages)
            page.Append(CultureInfo.InvariantCulture, $"* [`{stage.Name}`](stages/{stage.Name}.md): {stage.Summary}\n");
        page.Append("\n## Teachers\n\n");
        foreach (TeacherRegistration teacher in teachers)
            page.Append(CultureInfo.InvariantCulture, $"* [`{teacher.Name}`](teachers/{teacher.Name}.md): {teacher.Summary}\n");
        page.Append("\n## Commands\n\n");
        foreach (Command command in commands)
            page.Append(CultureInfo.InvariantCulture, $"* [`alm {command.Name}`](commands/{command.Name}.md): {command.Description}\n");
        return page.ToString();
    }

    private static string Stage(StageRegistration stage, KeyList keys)
    {
        string takes = stage.Input is null ? "Takes nothing: it begins a flow." : $"Takes `{stage.Input.Name}` records.";
        string gives = stage.Output is null ? "Gives nothing: it ends a flow." : $"Gives `{stage.Output.Name}` records.";
        string list = keys.Of(stage.OptionsType);
        return $"# `{stage.Name}`\n\n{stage.Summary}\n\n{takes} {gives}\n\n{(list.Length > 0 ? list : "It has no keys.\n")}";
    }
}
