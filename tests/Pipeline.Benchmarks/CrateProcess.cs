using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Pipeline.Benchmarks;

/// <summary>
/// Hugging Face's crate, in a process of node that runs beside this one. It makes a pass over the documents when it is told to, and waits in between.
/// </summary>
internal sealed class CrateProcess : IDisposable
{
    private readonly Process _node;
    private readonly string _documents = Path.GetTempFileName();

    /// <summary>Starts the process.</summary>
    /// <param name="folder">The folder with <c>measure.mjs</c> and the installed package.</param>
    /// <param name="documents">The documents of every pass.</param>
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

    /// <summary>Makes a pass: the number of tokens, and the seconds by node's own clock. Loading the tokenizer, before its first pass, is not included.</summary>
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
