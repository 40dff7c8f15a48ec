using System.CommandLine;
using System.Text;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Host.Commands;

/// <summary>The options of every command that reads files of text.</summary>
internal sealed class TextInput
{
    private const int MostPlainBytes = 256 << 20;

    private readonly Option<string[]> _files = new("--text")
    {
        Description = "Files of text: .parquet, .jsonl (.gz and .zst too), or plain .txt and .md, each of which is one document. Wildcards work as in a shell.",
        HelpName = "FILES",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> _column = new("--column") { Description = "The column or field of text.", HelpName = "NAME", DefaultValueFactory = _ => "text" };

    private readonly Option<int> _most = new("--max-documents") { Description = "Documents to read; 0 reads all.", HelpName = "N" };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="isRequired">Whether files must be given.</param>
    public void AddTo(Command command, bool isRequired = true)
    {
        _files.Required = isRequired;
        NumberRange.AddTo(_most, 0, int.MaxValue);
        command.Options.Add(_files);
        command.Options.Add(_column);
        command.Options.Add(_most);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_files) is { Length: > 0 };

    /// <summary>The documents of all files, in order. They are read when they are asked for.</summary>
    /// <exception cref="InputException">A file does not exist, or is not of a supported kind.</exception>
    public IAsyncEnumerable<TextDocument> Read(ParseResult parsed, CommandStages stages, IStorage storage)
    {
        string column = parsed.GetRequiredValue(_column);
        // All files are opened first, so that a missing one is reported before any is read.
        List<ISource<TextDocument>> sources = [.. parsed.GetRequiredValue(_files).Select(path => Open(Path.GetFullPath(path), column, stages, storage))];
        IAsyncEnumerable<TextDocument> documents = sources.ToAsyncEnumerable().SelectMany(source => source.ReadAsync(CancellationToken.None));
        return parsed.GetValue(_most) is > 0 and int most ? documents.Take(most) : documents;
    }

    private static ISource<TextDocument> Open(string path, string column, CommandStages stages, IStorage storage)
    {
        bool isPattern = path.AsSpan().ContainsAny('*', '?');
        if (!isPattern && !storage.FileExists(path))
            throw new InputException($"{path} does not exist");
        string name = Path.GetFileName(path);
        if (name.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase))
            return (ISource<TextDocument>)stages.Create("read-parquet", new ReadParquetOptions { Files = [path], Column = column });
        if (name.Contains(".jsonl", StringComparison.OrdinalIgnoreCase) || name.Contains(".ndjson", StringComparison.OrdinalIgnoreCase))
            return (ISource<TextDocument>)stages.Create("read-jsonl", new ReadJsonlOptions { Files = [path], Field = column });
        if (!isPattern && Path.GetExtension(name).ToUpperInvariant() is ".TXT" or ".MD")
            return new PlainFile(path, storage, stages);
        throw new InputException($"{path}: expected .parquet, .jsonl, .jsonl.gz, .jsonl.zst, or a .txt or .md file named without wildcards");
    }

    /// <summary>A file that is one document.</summary>
    private sealed class PlainFile(string path, IStorage storage, IRejects rejects) : ISource<TextDocument>
    {
        public async IAsyncEnumerable<TextDocument> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            long length = storage.Length(path);
            if (length > MostPlainBytes)
                throw new InputException($"{path}: {length} bytes, and a plain file is one document of at most {MostPlainBytes}; write its documents to Parquet or JSON Lines");
            byte[] bytes = new byte[length];
            using (Stream stream = storage.OpenRead(path))
                await stream.ReadExactlyAsync(bytes, cancellationToken);
            if (FileHead.Tell(bytes.AsSpan(0, Math.Min(bytes.Length, FileHead.Bytes))) is { } other)
                throw new InputException($"{path}: {other}");
            if (Utf8.IsValid(bytes))
                yield return new TextDocument(default, Encoding.UTF8.GetString(bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes));
            else
                rejects.Reject(default, TextRejects.NotUtf8, $"{path}: {TextRejects.NotUtf8}; convert it (iconv)");
        }
    }
}
