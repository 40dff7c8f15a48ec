using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Teacher;

namespace Pipeline.Host.Tests.Rules;

/// <summary>
/// Definitions that break rules, asked of <c>check</c> and of <c>run</c>: both must say the same, with exit 64 (65 where only files that it names are at fault) and the place of the key, and
/// neither may begin a flow. Places are written into the definition as <c>‹1›</c>, <c>‹2›</c>: what a line of the answer must point at.
/// </summary>
internal sealed class RuleRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _last;

    public string this[string name] => _folder[name];

    public void Dispose() => _folder.Dispose();

    public string Write(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        File.WriteAllText(_folder[name], content);
        return _folder[name];
    }

    /// <summary>A tiny model over bytes, made once.</summary>
    public string Model(string name = "model", int seed = 3) => Directory.Exists(_folder[name]) ? _folder[name] : ByteModel.Save(_folder[name], seed);

    /// <summary>The one error that a definition must have, at the mark in it.</summary>
    public Task RefusedAsync(string definition, string says) => RefusedAsync(definition, [says]);

    /// <summary>The errors that a definition must have, one for each mark, all at once.</summary>
    public async Task RefusedAsync(string definition, string[] says)
    {
        (string file, string run, string[] places) = Place(definition);
        Assert.Equal(says.Length, places.Length);
        AlmAnswer check = await AskAsync("check", file, "--run", run);
        // A definition that breaks a rule, or one in order whose files are not.
        Assert.True(check.Code is ExitCodes.Definition or ExitCodes.Input, $"check ended with {check.Code}\n{check.Output}\n{check.Error}");
        Assert.Equal("", check.Output);
        string[] errors = [.. check.Error.Split('\n').Where(l => l.StartsWith(file, StringComparison.Ordinal) && !l.Contains(": warning: ", StringComparison.Ordinal))];
        Assert.True(errors.Length == says.Length, check.Error);
        for (int i = 0; i < says.Length; i++)
            Assert.Contains(errors, e => e.StartsWith(places[i] + ": ", StringComparison.Ordinal) && e.Contains(says[i], StringComparison.Ordinal) ? true : Fail(check.Error, places[i], says[i], errors, e));

        AlmAnswer begun = await AskAsync("run", file, "--run", run, "--plain");
        Assert.Equal(check.Code, begun.Code);
        Assert.Equal(check.Error, begun.Error);
        Assert.DoesNotContain("begins", begun.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run), "the run folder was begun");
    }

    /// <summary>What <c>check</c> prints of a definition that is fine but for a warning at each mark.</summary>
    public async Task<string> WarnedAsync(string definition, params string[] says)
    {
        (string file, string run, string[] places) = Place(definition);
        AlmAnswer check = await AskAsync("check", file, "--run", run);
        Assert.True(check.Code == ExitCodes.Success, check.Error);
        string[] warnings = [.. check.Output.Split('\n').Where(l => l.Contains(": warning: ", StringComparison.Ordinal))];
        Assert.True(warnings.Length == says.Length, check.Output);
        for (int i = 0; i < says.Length; i++)
            Assert.Contains(warnings, w => w.StartsWith(places[i] + ": warning: ", StringComparison.Ordinal) && w.Contains(says[i], StringComparison.Ordinal));
        return check.Output;
    }

    public static Task<AlmAnswer> AskAsync(params string[] arguments)
        => Alm.RunAsync(arguments, stages: StageTable.All, teachers: [.. TeacherTable.All, TableTeacher.Registration]);

    /// <summary>Writes a definition without its marks.</summary>
    /// <returns>The file, a run folder of its own, and the places of the marks.</returns>
    public (string File, string Run, string[] Places) Place(string definition)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"d{++_last}");
        var places = new List<string>();
        string text = definition;
        for (int mark; (mark = text.IndexOf('‹', StringComparison.Ordinal)) >= 0;)
        {
            string before = text[..mark];
            string place = string.Create(CultureInfo.InvariantCulture, $"{_folder[name + ".json"]}:{before.Count(c => c == '\n') + 1}:{mark - before.LastIndexOf('\n')}");
            places.Add(text[mark + 1] + place);
            text = text.Remove(mark, 3);
        }
        return (Write(name + ".json", text), _folder[$"{name}-run"], [.. places.Order(StringComparer.Ordinal).Select(p => p[1..])]);
    }

    private static bool Fail(string all, string place, string says, string[] errors, string error)
        => error == errors[^1] && !errors.Any(e => e.StartsWith(place + ": ", StringComparison.Ordinal) && e.Contains(says, StringComparison.Ordinal))
            ? throw new Xunit.Sdk.XunitException($"no line at {place} with '{says}' in\n{all}")
            : false;
}
