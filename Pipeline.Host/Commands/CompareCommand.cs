using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;
using Pipeline.Host.Pages;

namespace Pipeline.Host.Commands;

/// <summary><c>alm compare</c>: prints the results of several runs side by side. Models of the same name count as repeats of one model.</summary>
internal static class CompareCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var runs = new Argument<string[]>("RUN") { Description = "Folders of finished runs, for example of one definition with several seeds.", Arity = ArgumentArity.OneOrMore };
        var before = new Option<string>("--before") { Description = "The model that the gap is measured from, before training.", HelpName = "NAME", DefaultValueFactory = _ => RunComparison.DefaultBefore };
        var teacher = new Option<string>("--teacher") { Description = "The model that the gap is measured to.", HelpName = "NAME", DefaultValueFactory = _ => RunComparison.DefaultTeacher };
        var means = new Option<PartMean[]>("--mean")
        {
            Description = "Adds a part that is the mean of others, each text with the same weight: --mean unseen=plays,articles. May be given more than once.",
            HelpName = "NAME=PART,PART",
            CustomParser = result => [.. result.Tokens.Select(t => Mean(t.Value, result))],
        };
        var sort = new Option<bool>("--sort") { Description = "Sort by bits per byte, best first, instead of in the order of the definitions." };
        var json = new Option<string?>("--json") { Description = "Write everything to this file as JSON, with each run's values.", HelpName = "FILE" };
        var markdown = new Option<string?>("--markdown") { Description = "Write the tables to this file as Markdown.", HelpName = "FILE" };
        var page = new Option<string?>("--html") { Description = "Write one page of HTML to this file: the tables, the runs' curves side by side, their times.", HelpName = "FILE" };
        var command = new Command("compare", "Compares finished runs: the results of every model, with mean and spread over the runs that have a model of that name.");
        command.Arguments.Add(runs);
        foreach (Option option in (Option[])[before, teacher, means, sort, json, markdown, page])
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            string[] folders = parsed.GetRequiredValue(runs);
            if (folders.GroupBy(f => Path.TrimEndingDirectorySeparator(Path.GetFullPath(f))).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new InputException($"{twice.Key} is given {twice.Count()} times; give each run once");
            var comparison = RunComparison.Of(
                [.. folders.Select(f => FinishedRun.Read(environment.Storage, f))], parsed.GetValue(means) ?? [],
                parsed.GetRequiredValue(before), parsed.GetRequiredValue(teacher));
            if (parsed.GetValue(sort))
                comparison = comparison.BestFirst();
            Print(environment.Output, comparison);
            Write(environment.Storage, parsed.GetValue(json), () => ComparisonTable.Json(comparison));
            Write(environment.Storage, parsed.GetValue(markdown), () => Encoding.UTF8.GetBytes(ComparisonTable.Markdown(comparison)));
            Write(environment.Storage, parsed.GetValue(page), () => Encoding.UTF8.GetBytes(
                ComparisonPage.Of(comparison, folders, environment.Storage, MachineFacts.Here(isRun: false), environment.Time.GetUtcNow())));
            return ExitCodes.Success;
        });
        return command;
    }

    private static PartMean Mean(string argument, ArgumentResult result)
    {
        string[] sides = argument.Split('=');
        string[] parts = sides.Length == 2 ? sides[1].Split(',', StringSplitOptions.TrimEntries) : [];
        if (parts.Length == 0 || sides[0].Length == 0 || parts.Contains("") || parts.Distinct().Count() < parts.Length)
            result.AddError($"--mean: found '{argument}', expected NAME=PART,PART, such as unseen=plays,articles");
        return new PartMean(sides[0], parts);
    }

    private static void Print(TextWriter output, RunComparison comparison)
    {
        foreach (string note in ComparisonTable.Notes(comparison))
            output.WriteLine(note);
        output.WriteLine();
        foreach (ComparedPart part in comparison.Parts)
        {
            output.WriteLine(part.Name);
            foreach (string line in TextTable.Lines(ComparisonTable.Rows(part)).Concat(ComparisonTable.Notes(part, comparison)))
                output.WriteLine("  " + line);
            output.WriteLine();
        }
    }

    private static void Write(IStorage storage, string? path, Func<byte[]> content)
    {
        if (path is not null)
            storage.WriteAtomically(Path.GetFullPath(path), stream => stream.Write(content()));
    }
}
