using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Pipeline.Benchmarks;

/// <summary>Hugging Face's crate in a process of node that waits beside this one and makes a pass over the documents when told to.</summary>
internal sealed class CrateProcess : IDisposable
{
    private readonly Process _node;
    private readonly string _documents = Path.GetTempFileName();

    /// <param name="folder">Where <c>measure.mjs</c> and the installed package are.</param>
    public CrateProcess(string folder, string[] documents)
    {
        File.WriteAllLines(_documents, documents.Select(d => JsonSerializer.Serialize(d)));
        _node = Process.Start(new ProcessStartInfo("node", ["measure.mjs", _documents])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>Tokens, and seconds by node's own clock; the first pass of a tokenizer loads it outside of them.</summary>
    /// <param name="tokenizer">A folder or a tokenizer.json.</param>
    public (long Tokens, double Seconds) Pass(string tokenizer)
    {
        string file = Path.GetFullPath(Directory.Exists(tokenizer) ? Path.Combine(tokenizer, "tokenizer.json") : tokenizer);
        _node.StandardInput.WriteLine(file);
        string[] answer = (_node.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"node ended at {file}")).Split(' ');
        return (long.Parse(answer[0], CultureInfo.InvariantCulture), double.Parse(answer[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _node.StandardInput.Close();
        _node.WaitForExit();
        _node.Dispose();
        File.Delete(_documents);
    }
}
