# The search server in a container, for CPUs or for CUDA:
#   docker build -t protrek-hm .
#   docker build -t protrek-hm:cuda --build-arg TORCH_INDEX=https://pypi.org/simple .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/out/index:/index:ro" protrek-hm                  (add --gpus all for CUDA)
# PyTorch's wheels on PyPI bring CUDA's libraries along, so that both start from the same small image; the host needs NVIDIA's driver and
# container toolkit. Any other command stands behind the image's name: docker run … protrek-hm index build /data/proteins.tsv -o /data/index
FROM python:3.12-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /build
COPY constraints.txt ./
RUN python -m venv /opt/protrek-hm \
 && torch=$(grep '^torch==' constraints.txt) \
 && /opt/protrek-hm/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" --extra-index-url https://pypi.org/simple "$torch"
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/protrek-hm/bin/pip install --no-cache-dir ".[mcp]" -c constraints.txt

FROM python:3.12-slim
COPY --from=build /opt/protrek-hm /opt/protrek-hm
ENV PATH=/opt/protrek-hm/bin:$PATH PYTHONUNBUFFERED=1 HF_HOME=/tmp/huggingface
RUN useradd --create-home --uid 1000 protrek
USER 1000
WORKDIR /home/protrek
EXPOSE 8000
ENTRYPOINT ["protrek-hm"]
# 0.0.0.0 of the container; publish the port on 127.0.0.1 as above, or give keys with --api-keys
CMD ["serve", "/index", "--host", "0.0.0.0"]
