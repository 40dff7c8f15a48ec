using System.Buffers.Binary;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-safetensors-").FullName;
    private readonly DiskStorage _storage = new();

    private string FilePath => Path.Combine(_folder, "model.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_is_read_back_in_every_type()
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType[] types = [ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float64, ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool];
        Tensor values = tensor(new[] { 0f, 1f, 0f, 1f, 1f, 0f }).view(2, 3);
        SafetensorsWriter.Write(FilePath, _storage, types.Select(type => new TensorSource($"t.{type}", type, values)), new Dictionary<string, string> { ["format"] = "pt" });
        using SafetensorsFile file = SafetensorsFile.Open(FilePath, _storage);
        Assert.Equal("pt", file.Metadata["format"]);
        foreach (ScalarType type in types)
        {
            Tensor view = file.View($"t.{type}");
            Assert.Equal(type, view.dtype);
            Assert.Equal([2, 3], view.shape);
            Assert.Equal(values.data<float>().ToArray(), view.to(ScalarType.Float32).data<float>().ToArray());
        }
    }

    [Fact]
    public void The_bytes_are_those_the_format_asks_for()
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Write(FilePath, _storage, [new TensorSource("b", ScalarType.Int16, tensor(new short[] { 1, -2 })), new TensorSource("a", ScalarType.Byte, tensor(new byte[] { 7 }))]);
        byte[] bytes = File.ReadAllBytes(FilePath);
        const string Header = """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"I16","shape":[2],"data_offsets":[1,5]}}""";
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        Assert.Equal(Header, Encoding.UTF8.GetString(bytes, 8, (int)length).TrimEnd(' '));
        Assert.Equal(new byte[] { 7, 1, 0, 0xFE, 0xFF }, bytes[(8 + (int)length)..]);
        // The second tensor is not aligned to its elements; it is read all the same.
        using SafetensorsFile file = SafetensorsFile.Open(FilePath, _storage);
        Assert.Equal(new short[] { 1, -2 }, file.View("b").data<short>().ToArray());
    }

    [Fact]
    public void Empty_and_scalar_tensors_are_read_back()
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Write(FilePath, _storage, [new TensorSource("none", ScalarType.Float32, zeros(0, 4)), new TensorSource("one", ScalarType.Float32, tensor(3f))]);
        using SafetensorsFile file = SafetensorsFile.Open(FilePath, _storage);
        Assert.Equal([0, 4], file.View("none").shape);
        Assert.Equal(3f, file.View("one").item<float>());
    }

    [Fact]
    public void Tensors_look_into_the_map_without_a_copy()
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Write(FilePath, _storage, [new TensorSource("a", ScalarType.Float32, ones(1000, 1000))]);
        using SafetensorsFile file = SafetensorsFile.Open(FilePath, _storage);
        Tensor first = file.View("a"), second = file.View("a");
        unsafe
        {
            fixed (byte* a = first.bytes, b = second.bytes)
                Assert.Equal((nint)a, (nint)b);
        }
    }

    [Fact]
    public void A_slice_boundary_inside_a_tensor_loses_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor large = arange((1 << 22) + 1000, dtype: ScalarType.Int32);
        SafetensorsWriter.Write(FilePath, _storage, [new TensorSource("a", ScalarType.Int32, large)]);
        using SafetensorsFile file = SafetensorsFile.Open(FilePath, _storage);
        Assert.True(file.View("a").eq(large).all().item<bool>());
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "JSON")]
    [InlineData("""[]""", "expected StartObject")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} {}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""", "does not take 16 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "data_offsets [8,0]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "0 or more")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "0 or more")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[100,108]}}""", "data_offsets [100,108]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}}""", "does not take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,16]}}""", "0 or more")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "'a' is listed twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "8 bytes at the end belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,16]}}""", "is stored as F4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"more":1}}""", "key 'more'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4]}}""", "data_offsets are needed")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,16]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}""", "shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}}""", "shape")]
    [InlineData("""{"__metadata__":{"format":1}}""", "__metadata__.format")]
    public void A_corrupt_header_is_refused(string header, string expected)
    {
        Write(header, 16);
        string message = Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath, _storage)).Message;
        Assert.Contains(expected, message);
        Assert.Contains(FilePath, message);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(100_000_001)]
    [InlineData(1000)]
    public void A_header_longer_than_the_file_or_the_format_is_refused_before_it_is_read(ulong length)
    {
        byte[] bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(FilePath, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains($"{length}", Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath, _storage)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData("a name", "text of 9")]
    [InlineData("open brackets", "not JSON")]
    [InlineData("a tensor again and again", "more than 262144 tensors")]
    [InlineData("blanks", "not JSON")]
    [InlineData("a value", "text of 9")]
    public void A_hundred_megabytes_of_header_are_refused_before_anything_is_kept_of_them(string what, string expected)
    {
        const int Length = 99_000_000;
        byte[] bytes = new byte[8 + Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Length);
        Span<byte> json = bytes.AsSpan(8);
        (string begin, string repeated, string end) = what switch
        {
            "a name" => ("{\"", "a", "\":{}}"),
            "open brackets" => ("{\"a\":", "[", ""),
            "a tensor again and again" => ("{\"a\":{}", ",\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", "}"),
            "a value" => ("{\"a\":{\"dtype\":\"", "F", "\"}}"),
            _ => ("", " ", ""),
        };
        json.Fill((byte)' ');
        Encoding.UTF8.GetBytes(begin, json);
        byte[] part = Encoding.UTF8.GetBytes(repeated);
        int at = begin.Length;
        for (; at + part.Length + end.Length <= Length; at += part.Length)
            part.CopyTo(json[at..]);
        Encoding.UTF8.GetBytes(end, json[at..]);
        File.WriteAllBytes(FilePath, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath, _storage)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_shorter_than_a_length_is_refused(int length)
    {
        File.WriteAllBytes(FilePath, new byte[length]);
        Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath, _storage));
    }

    [Fact]
    public void A_file_cut_at_any_place_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Write(FilePath, _storage, [new TensorSource("a", ScalarType.Float32, ones(5)), new TensorSource("b", ScalarType.Float32, ones(3))]);
        byte[] whole = File.ReadAllBytes(FilePath);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath, _storage));
        }
    }

    [Fact]
    public void Shards_and_their_index_hold_every_tensor_once()
    {
        using DisposeScope scope = NewDisposeScope();
        TensorSource[] tensors = [.. Enumerable.Range(0, 7).Select(i => new TensorSource($"t{i}", ScalarType.Float32, full(10, i)))];
        SafetensorsWriter.WriteFolder(_folder, _storage, tensors, 100);
        Assert.Equal(4, Directory.GetFiles(_folder, "model-0000?-of-00004.safetensors").Length);
        Assert.False(File.Exists(FilePath));
        using (SafetensorsFolder folder = SafetensorsFolder.Open(_folder, _storage))
        {
            Assert.Equal(tensors.Select(tensor => tensor.Name), folder.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
            for (int i = 0; i < 7; i++)
                Assert.Equal(i, folder.View($"t{i}").max().item<float>());
        }

        // Written again as one file, nothing of the shards' index is left to mislead.
        SafetensorsWriter.WriteFolder(_folder, _storage, tensors, 1000);
        Assert.False(File.Exists(Path.Combine(_folder, SafetensorsFolder.IndexName)));
        using SafetensorsFolder single = SafetensorsFolder.Open(_folder, _storage);
        Assert.Equal(7, single.Entries.Count());
    }

    [Fact]
    public void An_index_that_is_not_well_formed_text_is_refused_by_name()
    {
        byte[] name = [.. "{\"weight_map\": {\""u8, 0xC3, 0x28, .. "\": \"a.safetensors\"}}"u8], shard = [.. "{\"weight_map\": {\"a\": \"\\ud800\"}}"u8];
        foreach (byte[] index in new[] { name, shard })
        {
            File.WriteAllBytes(Path.Combine(_folder, SafetensorsFolder.IndexName), index);
            Assert.Contains(SafetensorsFolder.IndexName, Assert.Throws<InputException>(() => SafetensorsFolder.Open(_folder, _storage)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/x.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void An_index_that_leaves_the_folder_is_refused(string shard)
    {
        File.WriteAllText(Path.Combine(_folder, SafetensorsFolder.IndexName), $$"""{"weight_map": {"a": "{{shard}}"} }""");
        Assert.Contains("not a plain file name", Assert.Throws<InputException>(() => SafetensorsFolder.Open(_folder, _storage)).Message);
    }

    [Fact]
    public void Every_shard_and_tensor_that_an_index_names_in_vain_is_named_at_once()
    {
        using DisposeScope scope = NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(_folder, "there.safetensors"), _storage, [new TensorSource("b", ScalarType.Float32, ones(5))]);
        File.WriteAllText(
            Path.Combine(_folder, SafetensorsFolder.IndexName),
            """{"weight_map": {"a": "there.safetensors", "b": "there.safetensors", "c": "gone.safetensors", "d": "gone.safetensors", "e": "lost.safetensors", "f": "there.safetensors"}}""");
        string message = Assert.Throws<InputException>(() => SafetensorsFolder.Open(_folder, _storage)).Message;
        Assert.All(["'a' should be in there.safetensors", "'f' should be", "gone.safetensors does not exist, so 2 tensors are missing ('c' first)", "lost.safetensors does not exist"], part => Assert.Contains(part, message));
        Assert.DoesNotContain("'b'", message);
    }

    private void Write(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        File.WriteAllBytes(FilePath, bytes);
    }
}
