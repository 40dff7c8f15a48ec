using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Benchmarks.Study;

/// <summary>
/// Makes the study's tables and pictures from its run folders, which the scripts in pipelines/study make. Arguments: <c>RUNS OUT [--commit HASH] [--machine
/// TEXT]</c>. What is missing is skipped, and a line says so.
/// </summary>
internal static class StudyCommand
{
    private static readonly string[] Targets = ["bytes", "subword"];

    public static int Run(string[] args)
    {
        string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int i && i + 1 < args.Length ? args[i + 1] : null;
        if (args.Length < 2 || args[..2].Any(a => a.StartsWith('-')))
        {
            Console.Error.WriteLine("study: RUNS OUT [--commit HASH] [--machine TEXT]");
            return ExitCodes.Definition;
        }
        var storage = new DiskStorage();
        if (!storage.DirectoryExists(Path.GetFullPath(args[0])))
        {
            Console.Error.WriteLine($"{args[0]} is no folder; expected the one that holds the study's runs");
            return ExitCodes.Input;
        }
        var runs = new StudyRuns(storage, Path.GetFullPath(args[0]), Console.Out);
        var pages = new StudyPages(storage, Path.GetFullPath(args[1]), StudyStamp.Make(Option("--commit"), Option("--machine"), TimeProvider.System), Console.Out);
        Action[] studies =
        [
            .. Targets.Select(target => (Action)(() => MethodStudy.Write(target, isLittle: false, runs, pages))),
            .. Targets.Select(target => (Action)(() => MethodStudy.Write(target, isLittle: true, runs, pages))),
            .. Targets.Select(target => (Action)(() => SearchStudy.Write(target, $"search-{target}", runs, pages, $"{target}-search-"))),
            .. Targets.Select(target => (Action)(() => AblationStudy.Write(target, runs, pages))),
            () => CacheStudy.Write(runs, pages),
            () => SearchStudy.Write("bytes", "exact-search", runs, pages, "exact-search-", "exact-more-search-"),
            () => SearchStudy.Write("subword", "exact-subword-search", runs, pages, "exact-subword-search-"),
            .. ExactStudy.All.Select(page => (Action)(() => page.Write(runs, pages))),
            () => ExactCurves.Write(runs, pages),
        ];
        int code = ExitCodes.Success;
        foreach (Action study in studies)
        {
            try
            {
                study();
            }
            catch (AlmException e)
            {
                Console.Error.WriteLine(e.Message);
                code = e.ExitCode;
            }
        }
        return code;
    }
}
